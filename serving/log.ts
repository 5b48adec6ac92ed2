/** What the data plane needs of a logger; pino's fits. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Lines of each request are not made where nobody reads them; where left out, they are made. */
  isLevelEnabled?(level: 'debug'): boolean;
}

/** For hosts that want no log. */
export const SILENT: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  isLevelEnabled: () => false,
};

function nothing(): void {
  // silence is the point
}
