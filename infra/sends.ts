import type { FunctionName } from '../config/function-names.ts';
import { FUNCTIONS } from './function-table.ts';
import type { PlainProps } from './plain-props.ts';
import type { QueueName } from './queues.ts';
import { settingsFor } from './settings.ts';

/** The queues to which a function sends messages, with these settings. */
export function sendsOf(name: FunctionName, props: PlainProps): readonly QueueName[] {
  const { sends, sendsIf } = FUNCTIONS[name];
  if (!sendsIf) return sends;
  const isSet = settingsFor(name, props).some(
    ({ setting, text }) => setting === sendsIf.flag && text === 'true',
  );
  return isSet ? [...sends, sendsIf.queue] : sends;
}
