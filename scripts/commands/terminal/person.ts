import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';

/** Who types: git's user.email where there is one, else the login name. A claim until decisions are signed. */
export async function thisPerson(): Promise<string> {
  const email = await new Promise<string>((resolve) => {
    execFile('git', ['config', 'user.email'], { timeout: 2_000 }, (_, stdout) =>
      resolve(stdout.trim()),
    );
  });
  return email === '' ? loginName() : email;
}

function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown'; // a container's user without an entry in /etc/passwd
  }
}
