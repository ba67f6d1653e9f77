import type { EpochSeconds } from '../../config/units.ts';
import type { Summary } from './items.ts';
import { absent, any, atMost, set, type Update } from './update.ts';

/**
 * Stores a summary, unless there is one already: prompts have it from then on, byte for byte. One that has expired and is not
 * removed yet gives way. Its writer need not know whether it succeeded: another worker's summary is as good.
 */
export const storeSummary = (summary: Summary, now: EpochSeconds): Update<Summary> => ({
  when: [
    // rule: summary-is-stored-once
    any(absent('text'), atMost('expires', now)),
  ],
  change: [
    set('first', summary.first),
    set('to', summary.to),
    set('text', summary.text),
    set('provider', summary.provider),
    set('model', summary.model),
    set('usage', summary.usage),
    ...(summary.cost === undefined ? [] : [set<Summary>('cost', summary.cost)]),
    ...(summary.currency === undefined ? [] : [set<Summary>('currency', summary.currency)]),
    set('expires', summary.expires),
  ],
});
