// What a person can do about a reason for which steps stopped.
import { number } from '../../text/format';
import { providerName, stageName } from '../../text/words';
import type { Reason } from './queries';

export type Fix = {
  /** What is wrong, in a few words. */
  title: string;
  /** What to do, and what comes of it. */
  advice: string;
  /** What mends it; where only the outside can, it is tried again. */
  act: 'secret' | 'rules' | 'deliveries' | 'redrive';
  /** It goes on by itself once it is mended. */
  drains: boolean;
};

const steps = (count: number): string => (count === 1 ? '1 step' : `${number(count)} steps`);
const goOn = (count: number): string => (count === 1 ? 'the step goes' : `the ${number(count)} steps go`);

/** The fix of a reason. A cause that is not known yet is tried again. */
export function fixOf(reason: Reason): Fix {
  const { state, stage, cause, connection, steps: count } = reason;
  const step = stageName(stage);
  if (state === 'held') {
    const who = connection ? providerName(connection) : 'The provider';
    return {
      title: `${who} refuses the secret`,
      advice: `Enter a new secret, and ${goOn(count)} on within seconds.`,
      act: 'secret',
      drains: true,
    };
  }
  switch (cause) {
    case 'permanent':
      return {
        title: `${step}: refused, and no repetition helps`,
        advice: `The answer says what it does not take. Mend that there, then redrive: ${steps(count)}.`,
        act: 'redrive',
        drains: false,
      };
    case 'exhausted':
      return {
        title: `${step}: every try failed`,
        advice: 'Its provider did not answer well for too long. Redrive once it does.',
        act: 'redrive',
        drains: false,
      };
    case 'deadline':
      return {
        title: `${step}: the time was up`,
        advice: 'It waited as long as it may. Redrive to wait again.',
        act: 'redrive',
        drains: false,
      };
    case 'crash_loop':
      return {
        title: `${step}: it crashed again and again`,
        advice:
          'That is our fault, not yours: tell who runs this, with the lead’s id. Redrive after an update.',
        act: 'redrive',
        drains: false,
      };
    case 'unreadable':
      return {
        title: 'A delivery cannot be read',
        advice:
          'Look at the delivery. If the account or the settings of its source were wrong, mend them and redrive.',
        act: 'deliveries',
        drains: false,
      };
    case 'unreached':
      return {
        title: 'Nobody can be told',
        advice:
          'Name a CRM in the rules of the office, or a person to be told under Notifications, then redrive.',
        act: 'rules',
        drains: false,
      };
    default:
      return {
        title: `${step}: it stopped`,
        advice: 'See why below, then redrive.',
        act: 'redrive',
        drains: false,
      };
  }
}
