import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { Failure } from '../../api/problem';
import { useToken as goOnWith, isSignedIn, signIn } from '../../api/sign-in';
import Button, { buttonClass } from '../../ui/button/button';
import styles from './page.module.css';
import { whyRefused } from './refused';

/** How people sign in at this server: by a code, also at the company's issuer, or with a token of their own. */
type Way = 'code' | 'oidc' | 'token';

async function findWay(): Promise<Way> {
  // An answer that leads on to the issuer is not followed here: that there is one is enough.
  const issuer = await fetch('/v1/sign-in/oidc', { redirect: 'manual' }).catch(() => null);
  if (issuer?.type === 'opaqueredirect') return 'oidc';
  const refresh = await fetch('/v1/sign-in/refresh', { method: 'POST' }).catch(() => null);
  return refresh?.status === 404 ? 'token' : 'code';
}

/** The code of a whole link, or what was pasted. */
const codeOf = (text: string): string => /[#&]code=([\w-]+)/.exec(text)?.[1] ?? text.trim();

export default function SignIn() {
  const { to } = useSearch({ from: '/sign-in' });
  const navigate = useNavigate();
  const [way, setWay] = useState<Way>('code');
  const [text, setText] = useState('');
  const [failure, setFailure] = useState<Failure | null>(whyRefused);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    if (isSignedIn()) void navigate({ href: to ?? '/', replace: true });
    else void findWay().then(setWay);
  }, [navigate, to]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      if (way === 'token') goOnWith(text.trim());
      else await signIn(codeOf(text));
      await navigate({ href: to ?? '/', replace: true });
    } catch (error) {
      setFailure(error instanceof Failure ? error : Failure.offline());
      setBusy(false);
    }
  };

  return (
    <main className={styles.page}>
      <title>Sign in · Leads</title>
      <div className={styles.card}>
        <img src="/dashboard/icon.svg" alt="" width={40} height={40} />
        <h1>Sign in</h1>
        {failure && (
          <div className={styles.failure} role="alert">
            <strong>{words(failure)}</strong>
            <p>{failure.detail}</p>
          </div>
        )}
        {way === 'oidc' && (
          <a className={buttonClass('primary')} href="/v1/sign-in/oidc">
            Continue with your company’s sign-in
          </a>
        )}
        <form onSubmit={(event) => void submit(event)} className={styles.form}>
          <label htmlFor="code">{way === 'token' ? 'Your token' : 'Your link or code'}</label>
          <input
            id="code"
            className={styles.field}
            type={way === 'token' ? 'password' : 'text'}
            autoComplete="off"
            spellCheck={false}
            value={text}
            aria-describedby="help"
            onChange={(event) => setText(event.target.value)}
          />
          <p id="help" className={styles.help}>
            {way === 'token' ? (
              <>This server takes tokens of its issuer. The token is kept until this tab is closed.</>
            ) : (
              <>
                It is in your invitation, or in the terminal where the program was started. It works once.{' '}
                <code>pipeline sign-in code</code> prints another.
              </>
            )}
          </p>
          <Button type="submit" look={way === 'oidc' ? 'plain' : 'primary'} disabled={isBusy || !text.trim()}>
            {isBusy ? 'Signing in…' : 'Sign in'}
          </Button>
        </form>
        {way !== 'token' && (
          <p className={styles.help}>
            <a href="/sign-in">Other ways to sign in</a>, such as a link by e-mail.
          </p>
        )}
      </div>
    </main>
  );
}

function words(failure: Failure): string {
  if (failure.status === 409) return 'This link was used already, or is too old.';
  if (failure.status === 404) return 'This link is not known here.';
  return failure.title;
}
