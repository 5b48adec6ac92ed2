/** Bytes of a text inside JSON. */
export function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

/** The beginning of a text that takes at most so many bytes inside JSON, quotes not counted; no character is cut apart. */
export function withinBytes(text: string, bytes: number): string {
  if (jsonBytes(text) - 2 <= bytes) return text;
  let kept = '';
  let length = jsonBytes('…') - 2;
  for (const character of text) {
    length += jsonBytes(character) - 2;
    if (length > bytes) break;
    kept += character;
  }
  return `${kept}…`;
}
