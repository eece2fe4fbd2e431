import type { ForgetReport } from '../commands/forget.ts';
import { receiptText } from '../forget/receipt-text.ts';
import type { Style } from '../text/style.ts';
import { formatDuration } from '../text/text.ts';

/** What was forgotten, or would be. */
export function renderForget({ status, receipts, build, ms }: ForgetReport, style: Style): string {
  const took = style.dim(`in ${formatDuration(ms)}`);
  if (status === 'declined') return 'Nothing was done.';
  const parts = receipts.map(receiptText);
  if (status === 'planned') return [...parts, style.caution('Nothing was changed.')].join('\n\n');
  if (status === 'unfinished') {
    const what =
      'It is gone from the data files and the raw tables, but the models could not be built from what is left';
    return [
      ...parts,
      style.bad(
        `${what}, so readers still see the earlier marts. \`./meetup dev\` shows why; once it passes, run \`./meetup forget\` to finish.`,
      ),
    ].join('\n\n');
  }
  const tests = build === 'fail' ? ` ${style.caution('Not everything passes: `./meetup dev` shows what.')}` : '';
  return [...parts, `${style.good('Forgotten')} ${took}.${tests}`].join('\n\n');
}
