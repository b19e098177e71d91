import { useQuery } from '@tanstack/react-query';
import { api, read, type Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import { Failure } from '../../../api/problem';
import { number, shown } from '../../../text/format';
import { providerName } from '../../../text/words';
import Button from '../../../ui/button/button';
import Facts, { Fact } from '../../../ui/facts/facts';
import FailureNote from '../../../ui/failure/failure';
import layout from '../../../ui/layout/layout.module.css';
import Modal, { modalActions } from '../../../ui/modal/modal';
import Note from '../../../ui/note/note';
import Skeleton from '../../../ui/skeleton/skeleton';
import Text from '../../../ui/text/text';
import { fieldWords } from './field-words';

/** Asks a CRM whether it takes the account, and what its records are made of. Nothing is written there that stays. */
export default function ConnectionTest({
  tenant,
  of,
  onClose,
}: {
  tenant: string;
  of: Schemas['Connection'];
  onClose: () => void;
}) {
  const test = useQuery({
    queryKey: [...keys.tenant(tenant), 'connection-test', of.name],
    queryFn: ({ signal }) =>
      read(
        api.POST('/v1/tenants/{tenant_id}/connections/{connection}/test', {
          params: { path: { tenant_id: tenant, connection: of.name } },
          signal,
        }),
      ),
    // Each press asks anew, and asks once.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  const told = test.data;
  return (
    <Modal title={`Test of ${providerName(of.provider)}`} onClose={onClose}>
      {test.isFetching ? (
        <div role="status">
          <span className="hidden-but-read">{providerName(of.provider)} is asked…</span>
          <Skeleton rows={3} height={24} />
        </div>
      ) : told && !test.isError ? (
        <Outcome told={told} />
      ) : (
        <Untested error={test.error} />
      )}
      <div className={modalActions}>
        {!test.isFetching && <Button onClick={() => void test.refetch()}>Again</Button>}
        <Button look="primary" onClick={onClose}>
          Close
        </Button>
      </div>
    </Modal>
  );
}

/** What is no CRM is no failure: it says so. */
function Untested({ error }: { error: unknown }) {
  return error instanceof Failure && error.kind === 'conflict' ? (
    <Note>
      <Text>{error.detail}</Text>
    </Note>
  ) : (
    <FailureNote error={error} what="It was not tested" />
  );
}

function Outcome({ told }: { told: Schemas['ConnectionTest'] }) {
  return (
    <div className={layout.form}>
      {told.is_accepted ? (
        <Note look="done">
          <Text>{told.detail}</Text>
        </Note>
      ) : (
        <div role="alert">
          <strong>✕ Its account is not taken.</strong> <Text>{told.detail}</Text>
          {told.answer && (
            <p className={layout.faint}>
              It answered: <Text>{told.answer}</Text>
            </p>
          )}
        </div>
      )}
      {told.notes.length > 0 && (
        <section aria-labelledby="left">
          <h3 id="left">Still to be done there</h3>
          <ul>
            {told.notes.map((note) => (
              <li key={note}>
                <Text>{note}</Text>
              </li>
            ))}
          </ul>
        </section>
      )}
      {told.objects.map(({ name, fields }) => (
        <details key={name}>
          <summary>
            <Text>{name}</Text>: {number(fields.length)} {fields.length === 1 ? 'field' : 'fields'}
          </summary>
          <Facts>
            {fields.map((field) => (
              <Fact key={field.name} name={shown(field.label)}>
                <code>
                  <Text>{field.name}</Text>
                </code>{' '}
                <Text>{fieldWords(field)}</Text>
              </Fact>
            ))}
          </Facts>
        </details>
      ))}
    </div>
  );
}
