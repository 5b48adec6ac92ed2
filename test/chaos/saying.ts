const SAY_EVERY_MS = 10_000;

/** Says something now and then until a promise settles, and settles as it does. */
export async function saying<Value>(
  settling: Promise<Value>,
  tell: () => Promise<void> | void,
): Promise<Value> {
  const timer = setInterval(() => {
    Promise.resolve(tell()).catch(() => undefined); // what it looks at may be dead just now
  }, SAY_EVERY_MS);
  try {
    return await settling;
  } finally {
    clearInterval(timer);
  }
}
