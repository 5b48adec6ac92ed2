import Mocha from 'mocha';

/** As `spec`, and `N passed, N failed` as the very last line, which machines read. */
// eslint-disable-next-line import-x/no-default-export -- mocha takes a reporter from nothing else
export default class CountsReporter extends Mocha.reporters.Spec {
  override epilogue(): void {
    super.epilogue();
    const { passes, failures } = this.stats;
    Mocha.reporters.Base.consoleLog('%d passed, %d failed', passes, failures);
  }
}
