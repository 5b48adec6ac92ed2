/**
 * Adds to package-lock.json the optional packages of other platforms that the registry at hand did
 * not serve: npm leaves those out, and then `npm ci` refuses the lock as incomplete, on every platform.
 * An added entry has a version but no integrity; the registry of whoever needs it supplies that.
 *
 *     npm install SOMETHING && node scripts/complete-lock.js
 */
import * as fs from 'node:fs';

const FILE = new URL('../package-lock.json', import.meta.url);
const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'sunos',
  'win32',
];
const SYSTEMS_BY_OTHER_NAMES = { openharmony: 'openharmony', macos: 'darwin', windows: 'win32' };
const CPUS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];
const LIBCS = {
  gnu: 'glibc',
  gnueabihf: 'glibc',
  glibc: 'glibc',
  musl: 'musl',
  musleabihf: 'musl',
};

/** What a name such as `@swc/core-linux-arm64-musl` says of the machine it is for. */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const word = words.find((one) => SYSTEMS.includes(one) || one in SYSTEMS_BY_OTHER_NAMES);
  const cpu = words.find((one) => CPUS.includes(one));
  const libc = words.find((one) => one in LIBCS);
  return {
    ...(word === undefined ? {} : { os: [SYSTEMS_BY_OTHER_NAMES[word] ?? word] }),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(libc === undefined || word !== 'linux' ? {} : { libc: [LIBCS[libc]] }),
  };
}

/** Where npm would look for a package that `owner` needs, nearest first. */
function isThere(packages, owner, name) {
  for (let at = owner; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if ((at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`) in packages)
      return true;
    if (at === '') return false;
  }
}

const lock = JSON.parse(fs.readFileSync(FILE, 'utf8'));
const added = {};
for (const [owner, { optionalDependencies = {}, peer, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (isThere(lock.packages, owner, name)) continue;
    if (!/^\d+\.\d+\.\d+[-.\w]*$/.test(version)) {
      process.stderr.write(`${owner} takes ${name} in any of ${version}: add it by hand\n`);
      process.exitCode = 1;
      continue;
    }
    added[`node_modules/${name}`] = {
      version,
      ...platformOf(name),
      ...(dev === true ? { dev } : {}),
      optional: true,
      ...(peer === true ? { peer } : {}),
    };
  }
}

const byName = ([one], [other]) => one.localeCompare(other, 'en');
lock.packages = Object.fromEntries(Object.entries({ ...lock.packages, ...added }).sort(byName));
fs.writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
process.stderr.write(`package-lock.json: ${Object.keys(added).length} optional packages added\n`);
