const SUBJECTS = {
  billing: ['the invoice', 'my refund', 'the second charge', 'last month’s payment', 'the receipt'],
  access: ['my password', 'the login', 'the two-factor code', 'my account', 'the reset link'],
  delivery: ['my parcel', 'the courier', 'the tracking number', 'the address', 'the pick-up point'],
} as const;
const OPENINGS = [
  'Hello, there is a question about',
  'Again a problem with',
  'Please look at',
] as const;
const ENDINGS = [
  'it is still not right',
  'nobody could tell me why',
  'since Monday',
  'can you help today',
  'what do I have to do',
  'this is the second time',
  'thank you for looking',
] as const;

/** An invented sample, 315 support mails with one of three labels each, as a CSV of the columns `text` and `label`. */
export function sampleCsv(): string {
  const lines = OPENINGS.flatMap((opening) =>
    ENDINGS.flatMap((ending) =>
      Object.entries(SUBJECTS).flatMap(([label, subjects]) =>
        subjects.map((subject) => `"${opening} ${subject}, ${ending}.",${label}`),
      ),
    ),
  );
  return ['text,label', ...lines, ''].join('\n');
}
