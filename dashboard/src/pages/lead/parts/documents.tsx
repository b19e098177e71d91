import { useMutation } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { api, read, type Schemas } from '../../../api/client';
import { Failure } from '../../../api/problem';
import { useRefusal } from '../../../shell/role';
import { fileSize } from '../../../text/format';
import { plain } from '../../../text/words';
import Button from '../../../ui/button/button';
import { Pairs } from '../../../ui/facts/facts';
import Refused from '../../../ui/note/refused';
import Text from '../../../ui/text/text';
import styles from '../page.module.css';
import { type File, filesOf, missing, reading, savedName, valuesOf } from './file';

/** The files that came with a form. */
export default function Documents({
  tenant,
  lead,
  told,
}: {
  tenant: string;
  lead: Schemas['RequestDetail'];
  told: Record<string, Schemas['FormDocument']>;
}) {
  const files = filesOf(told, lead.documents);
  if (files.length === 0) return null;
  const isAtWork = lead.open_work.some(({ stage }) => stage === 'documents');
  return (
    <section className={styles.files} aria-labelledby="files">
      <h3 id="files">Files</h3>
      <ul>
        {files.map((file) => (
          <li key={file.id}>
            <One tenant={tenant} id={lead.request_id} file={file} isAtWork={isAtWork} />
          </li>
        ))}
      </ul>
      <p className={styles.faint}>
        Strangers send these files, and nobody has looked for harm in them. They are saved, never shown here.
      </p>
    </section>
  );
}

function One({ tenant, id, file, isAtWork }: { tenant: string; id: string; file: File; isAtWork: boolean }) {
  const refusal = useRefusal('operator');
  const saving = useMutation({ mutationFn: () => save(tenant, id, file.id) });
  const isGone = saving.error instanceof Failure && saving.error.status === 404;
  const why = isGone ? 'It was removed meanwhile.' : missing(file.kept, isAtWork);
  const [became, values] = [reading(file.kept), valuesOf(file.kept)];
  const name = file.name ? <Text>{file.name}</Text> : 'A file';
  return (
    <>
      <div className={styles.file}>
        <span>
          {name}
          <span className={styles.by}>
            {plain(file.field)} · <Text>{file.kind}</Text> · {fileSize(file.bytes)}
          </span>
        </span>
        {!why && (
          <Button refusal={refusal} disabled={saving.isPending} onClick={() => saving.mutate()}>
            <Download size={15} aria-hidden /> {saving.isPending ? 'Downloading…' : 'Download'}
            <span className="hidden-but-read"> {name}</span>
          </Button>
        )}
      </div>
      {why && (
        <p className={styles.faint} role={isGone ? 'alert' : undefined}>
          {why}
        </p>
      )}
      {!isGone && <Refused error={saving.error} what="It was not downloaded" />}
      {became && (
        <p className={styles.faint}>
          <Text>{became}</Text>
        </p>
      )}
      {Object.keys(values).length > 0 && (
        <details>
          <summary>What stands in it</summary>
          <Pairs of={values} empty="" />
        </details>
      )}
    </>
  );
}

/** Saves a file as a browser saves what one downloads. */
async function save(tenant: string, request: string, document: string): Promise<void> {
  const call = api.GET('/v1/tenants/{tenant_id}/requests/{request_id}/documents/{document}', {
    params: { path: { tenant_id: tenant, request_id: request, document } },
    parseAs: 'blob',
  });
  const content: Blob = await read(call);
  const { response } = await call;
  const link = window.document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = savedName(response.headers.get('content-disposition'));
  link.click();
  // Browsers read it after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
