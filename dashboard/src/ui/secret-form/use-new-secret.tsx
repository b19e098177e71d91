import { type ReactNode, useState } from 'react';
import type { Schemas } from '../../api/client';
import { number } from '../../text/format';
import { providerName } from '../../text/words';
import Note from '../note/note';
import SecretForm from './secret-form';

/** What a new secret did: what was held for its connection goes on. */
function secretWords({ name, released }: Schemas['SecretSet']): string {
  const freed = released === 1 ? '1 step goes on.' : `${number(released)} steps go on.`;
  return `${providerName(name)} has a new secret. ${released > 0 ? freed : 'Nothing was held for it.'}`;
}

/** A connection's secret is asked for where it is seen that it is refused: the form, and then what it did. */
export function useNewSecret(tenant: string): {
  ask: (connection: string) => void;
  /** Tells what one did that was set elsewhere. */
  tell: (set: Schemas['SecretSet']) => void;
  form: ReactNode;
  told: ReactNode;
} {
  const [asked, ask] = useState<string | null>(null);
  const [set, setSet] = useState<Schemas['SecretSet'] | null>(null);
  const form = asked && (
    <SecretForm
      tenant={tenant}
      connection={asked}
      onClose={() => ask(null)}
      onDone={(done) => {
        ask(null);
        setSet(done);
      }}
    />
  );
  return { ask, tell: setSet, form, told: set && <Note look="done">{secretWords(set)}</Note> };
}
