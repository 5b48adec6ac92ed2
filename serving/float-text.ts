/** The longest text of a 32-bit float and its comma. */
const LONGEST = 26;
/** From here up to 1, this many decimals tell any two neighbours apart: half of the last one is less than half of their distance. */
const LEAST = 2 ** -13;
const DECIMALS = 11;
const SCALE = 10 ** DECIMALS;
/** The decimals are written in two halves, since whole numbers of 32 bits are quick to take apart. */
const LOWER_DIGITS = 6;
const LOWER = 10 ** LOWER_DIGITS;
const [ZERO, DOT, COMMA] = [0x30, 0x2e, 0x2c];

let scratch = Buffer.alloc(64 * 1024);

/**
 * Numbers as JSON, separated by commas. Each is the same 32-bit float when it is read again as one; a probability takes 11 decimals at most, where JavaScript's own text tells the 64-bit numbers next to it apart, too, with 18 and in four times
 * the time.
 */
export function floatsJson(data: Float32Array): string {
  if (scratch.length < data.length * LONGEST) scratch = Buffer.alloc(data.length * LONGEST);
  let at = 0;
  for (let index = 0; index < data.length; index += 1) {
    const value = data[index] ?? 0;
    if (index > 0) scratch[at++] = COMMA;
    at =
      value >= LEAST && value < 1 ? writeFraction(value, at) : at + scratch.write(`${value}`, at);
  }
  return scratch.toString('latin1', 0, at);
}

/** @returns where the text ends. */
function writeFraction(value: number, start: number): number {
  const scaled = Math.round(value * SCALE);
  const upper = Math.floor(scaled / LOWER);
  scratch[start] = ZERO;
  scratch[start + 1] = DOT;
  writeDigits(upper, start + 2, DECIMALS - LOWER_DIGITS);
  writeDigits(scaled - upper * LOWER, start + 2 + DECIMALS - LOWER_DIGITS, LOWER_DIGITS);
  let end = start + 2 + DECIMALS;
  while (scratch[end - 1] === ZERO) end -= 1;
  return end;
}

function writeDigits(value: number, start: number, digits: number): void {
  let left = value;
  for (let at = start + digits - 1; at >= start; at -= 1) {
    const tenth = (left / 10) | 0;
    scratch[at] = ZERO + left - tenth * 10;
    left = tenth;
  }
}
