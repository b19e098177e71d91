// The real program, started on a folder of its own and on ports that were free, and ended with the test.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { promisify } from 'node:util';

const PROGRAM = process.env.PIPELINE ?? join(import.meta.dirname, '../../../target/debug/pipeline');
const run = promisify(execFile);

/** Starts the simulated providers alone. `webhooks` says where some of them post theirs, by their slugs. */
export async function simulators({ webhooks = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'clients-'));
  const posts = Object.entries(webhooks).flatMap(([slug, url]) => ['--webhook', `${slug}=${url}`]);
  const args = ['simulate', '--blobs', folder, ...posts];
  const printed = await start(args, folder, /Ctrl-C ends them/);
  const urls = new Map();
  for (const [, name, url] of printed.matchAll(/^(?:# )?(.+?)(?:_BASE_URL=|: )(http:\S+)$/gm)) {
    urls.set(name.toLowerCase(), url);
  }
  const url = (name) => urls.get(name) ?? fail(`${name} is not simulated:\n${printed}`);
  return {
    /** The key that verifies SendGrid's events. */
    eventKey: /^SENDGRID_EVENT_KEY=(\S+)$/m.exec(printed)?.[1],
    /** The base URL of one of them: `hubspot` for `HUBSPOT_BASE_URL`. */
    url,
    /** Has the outside world do something, by a simulator's own paths. */
    act: (name, method, path, body) => act(url(name), method, path, body),
  };
}

/** Starts the whole product with a demo tenant. */
export async function product() {
  const folder = mkdtempSync(join(tmpdir(), 'clients-'));
  const data = join(folder, 'data');
  await start(['run', '--port', '0', '--data-dir', data], folder, /_sim\/view/);
  const server = JSON.parse(readFileSync(join(data, 'server.json'), 'utf8'));
  const url = `http://${server.address}`;
  const command = async (...args) => (await run(PROGRAM, [...args, '--data-dir', data])).stdout;
  return {
    url,
    act: (name, method, path, body) => act(server.simulators[name], method, path, body),
    /** Runs one of its commands, and returns what it prints. */
    command,
    /** Asks its API as an administrator of the demo tenant. */
    async api(path) {
      const authorization = `Bearer ${(await command('token')).trim()}`;
      const answer = await fetch(`${url}/v1/tenants/tenant_demo/${path}`, { headers: { authorization } });
      return answer.json();
    },
  };
}

function start(args, folder, ready) {
  const env = { ...process.env, METRICS_PORT: '0', LOG: 'warn' };
  const child = spawn(PROGRAM, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  const ended = new Promise((done) => child.once('close', done));
  // Also where this process ends before its tests do.
  process.once('exit', () => child.kill('SIGKILL'));
  process.once('SIGTERM', () => process.exit(1));
  after(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  return new Promise((done, fail) => {
    const add = (part) => {
      printed += part;
      if (ready.test(printed)) done(printed);
    };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.once('error', fail);
    child.once('close', (code) => fail(new Error(`\`pipeline ${args[0]}\` ended with ${code}:\n${printed}`)));
  });
}

async function act(base, method, path, body) {
  const answer = await fetch(`${base}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) fail(`${method} ${path} was answered ${answer.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

function fail(reason) {
  throw new Error(reason);
}
