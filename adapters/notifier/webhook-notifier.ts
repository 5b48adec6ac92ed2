import { PortError } from '../../domain/failures.js';
import type { Notice, Notifier } from '../../domain/ports/notifier.js';

const DEADLINE_MS = 10_000;

/** Posts every notice as JSON to the worker's own URL; any 2xx answer is delivery, redirects are refused. */
export class WebhookNotifier implements Notifier {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async notify(notice: Notice): Promise<void> {
    const host = new URL(this.#url).host;
    try {
      const answer = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(notice),
        redirect: 'error',
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      await answer.body?.cancel();
      if (answer.ok) return;
      throw new PortError('NotificationFailed', `the webhook at ${host} answered ${answer.status}`);
    } catch (error) {
      if (error instanceof PortError) throw error;
      throw new PortError('NotificationFailed', `the webhook at ${host} was not reached`, {
        cause: error,
      });
    }
  }
}
