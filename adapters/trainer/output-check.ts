import { lstat, open, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { PortError } from '../../domain/failures.js';
import { filePathSchema } from '../../domain/names.js';

const MAX_FILES = 1000;
const HEAD_BYTES = 512;
/** Where a zip's list of names stands, when its names are as few as in a model's archive. */
const ZIP_TAIL_BYTES = 256 * 1024;

const PICKLE_NAMES = new Set(['.pkl', '.pickle', '.p', '.joblib', '.dill', '.pt', '.pth', '.sav']);

/**
 * Lists the files of a trainer's output, relative and sorted.
 *
 * @param required - Names that must be among them.
 * @throws PortError `BadTrainerOutput` where one is missing, empty, not a regular file (a link may lead anywhere), named
 *   outside the grammar of paths, or a pickle by its name or its first bytes: loading one runs whatever it says.
 */
export async function checkOutput(
  folder: string,
  required: readonly string[],
): Promise<readonly string[]> {
  const files = (await listFiles(folder, '')).sort();
  for (const name of required) {
    if (!files.includes(name)) {
      throw bad(`it wrote no ${name}; it wrote ${files.join(', ') || 'nothing'}`, { file: name });
    }
  }
  return files;
}

async function listFiles(folder: string, prefix: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (!filePathSchema.safeParse(path).success) {
      throw bad(`${JSON.stringify(path)} is no name for a file of a version`, { file: path });
    }
    if (entry.isDirectory()) {
      files.push(...(await listFiles(folder, path)));
    } else {
      await checkFile(join(folder, path), path);
      files.push(path);
    }
    if (files.length > MAX_FILES) throw bad(`it wrote more than ${MAX_FILES} files`, {});
  }
  return files;
}

async function checkFile(absolute: string, path: string): Promise<void> {
  const found = await lstat(absolute);
  if (!found.isFile()) throw bad(`${path} is not a regular file`, { file: path });
  if (found.size === 0) throw bad(`${path} is empty`, { file: path });
  if (PICKLE_NAMES.has(extname(path).toLowerCase()) || (await isPickle(absolute, found.size))) {
    throw bad(`${path} is a pickle, and whoever loads a pickle runs it; save with skops`, {
      file: path,
    });
  }
}

async function isPickle(absolute: string, size: number): Promise<boolean> {
  const file = await open(absolute, 'r');
  try {
    const read = async (from: number, length: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
      return buffer.subarray(0, bytesRead);
    };
    const head = await read(0, HEAD_BYTES);
    const last = await read(size - 1, 1);
    if (looksPickled(head, last[0] ?? 0)) return true;
    if (head.toString('latin1', 0, 4) !== 'PK\u0003\u0004') return false;
    // torch.save is a zip around a pickle.
    const from = Math.max(0, size - ZIP_TAIL_BYTES);
    return (await read(from, size - from)).includes('.pkl');
  } finally {
    await file.close();
  }
}

/**
 * Protocols 2 to 5 begin with 0x80, their number and an opcode (a zero there is a length, as safetensors begins). Protocols 0
 * and 1 begin with what other texts may begin with too, so their last opcode, ".", must end the file.
 */
function looksPickled(head: Buffer, last: number): boolean {
  const [first = 0, second = 0, third = 0] = head;
  if (first === 0x80 && second >= 2 && second <= 5 && third !== 0) return true;
  const opcodes = /^(\(?[ci][A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n([p(]|q)|\([dlt]p\d+\n|[}\])]q)/;
  return last === 0x2e && opcodes.test(head.toString('latin1'));
}

function bad(what: string, details: Readonly<Record<string, unknown>>): PortError {
  return new PortError('BadTrainerOutput', `The trainer's output is refused: ${what}.`, {
    details,
  });
}
