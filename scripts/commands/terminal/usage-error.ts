/** A command line that cannot be followed: exit code 2. Its message is one sentence that says what to type. */
export class UsageError extends Error {}
