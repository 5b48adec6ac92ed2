import type { Locator, Page } from 'playwright-core';
import { until } from '../../testing/until.js';

/** What a person does in Temporal's web UI, with its names for things. */
export class WebUi {
  readonly page: Page;
  readonly #address: string;

  /** @param uiUrl - Of the server, without a path. */
  constructor(page: Page, uiUrl: string) {
    this.page = page;
    this.#address = `${uiUrl}/namespaces/default/workflows`;
  }

  /** Fills in the form Start Workflow and sends it. */
  async start(given: { workflowId: string; taskQueue: string; type: string; input: object }) {
    await this.page.goto(`${this.#address}/start-workflow`);
    await this.page.getByTestId('workflowId').fill(given.workflowId);
    await this.page.getByTestId('taskQueue').fill(given.taskQueue);
    await this.page.getByTestId('workflowType').fill(given.type);
    await this.#type(this.page.getByRole('textbox', { name: 'Data' }), given.input);
    await this.page.getByTestId('start-workflow-button').click();
    await this.page.getByRole('link', { name: 'Workflow started successfully' }).waitFor();
  }

  /** Opens the newest run of a workflow. */
  async open(workflowId: string): Promise<void> {
    await this.page.goto(`${this.#address}/${encodeURIComponent(workflowId)}`);
    await this.page.getByTestId('workflow-id-heading').waitFor();
  }

  /** The rendered details of the run, without their markup, once they say this. */
  async details(pattern: RegExp): Promise<string> {
    return (await this.detailsPage(pattern)).innerText();
  }

  /** The same as the page that they are. */
  async detailsPage(pattern: RegExp): Promise<Locator> {
    await this.page.getByTestId('user-metadata-tab').click();
    const frame = this.page.frameLocator('#user-metadata-current-details');
    const page = frame.locator('body').filter({ hasText: pattern }).first();
    await page.waitFor();
    return page;
  }

  /** Sends an update through its dialog; resolves to null where it was taken, else to what the dialog says and why. */
  async update(name: string, input: object): Promise<string | null> {
    const dialog = await this.updateDialog(name, input);
    await dialog.getByTestId('confirm-modal-button').click();
    const alert = dialog.getByRole('alert').filter({ visible: true });
    const said = await until('the update is answered', async () => {
      if ((await dialog.count()) === 0) return { refusal: null };
      return (await alert.count()) > 0 ? { refusal: await alert.innerText() } : undefined;
    });
    if (said.refusal !== null) await dialog.getByRole('button', { name: 'Cancel' }).last().click();
    return said.refusal;
  }

  /** Opens the dialog of an update and fills it in. */
  async updateDialog(name: string, input: object): Promise<Locator> {
    await this.page.getByRole('button', { name: 'More Actions' }).click();
    await this.page.locator('li[data-testid=update-button]:visible').first().click();
    const dialog = this.page.locator('#update-confirmation-modal').filter({ visible: true });
    await dialog.locator('[data-testid=update-select-button]:visible').last().click();
    const option = this.page.locator('[role=option]:visible').filter({ hasText: name }).first();
    await option.click();
    await this.#type(dialog.getByRole('textbox', { name: 'Data' }), input);
    return dialog;
  }

  /** Runs a query and resolves to its result as JSON text. */
  async query(name: string, pattern: RegExp): Promise<string> {
    await this.page.getByTestId('queries-tab').click();
    await this.page.getByTestId('query-select-button').click();
    await this.page.locator('[role=option]:visible').filter({ hasText: name }).first().click();
    await this.page.getByRole('button', { name: 'Run Query' }).click();
    const result = this.page.getByRole('textbox', { name: 'Query Result' });
    await result.filter({ hasText: pattern }).waitFor();
    return result.innerText();
  }

  /** The editor reformats when it loses the focus, and the button below it moves: a click before that misses. */
  async #type(box: Locator, input: object): Promise<void> {
    await box.click();
    await this.page.keyboard.press('Control+A');
    await this.page.keyboard.insertText(JSON.stringify(input));
    await box.blur();
    await untilStill(box);
  }
}

/** Resolves when an element's height has not changed for a quarter of a second. */
async function untilStill(box: Locator): Promise<void> {
  let before = -1;
  for (let round = 0; round < 40; round += 1) {
    const { height = 0 } = (await box.boundingBox()) ?? {};
    if (height === before) return;
    before = height;
    await box.page().waitForTimeout(250);
  }
}
