// The real product, started on a folder of its own.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PROGRAM = process.env.PIPELINE ?? join(import.meta.dirname, '../../../target/debug/pipeline');
const run = promisify(execFile);

export class Product {
  private child: ChildProcess | null = null;
  private printed = '';
  private bearer: Promise<string> | null = null;
  readonly folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
  url = '';

  static async start(): Promise<Product> {
    const product = new Product();
    await product.up(0);
    return product;
  }

  /** Starts it; a port that it had before lets browsers find it again. */
  async up(port: number): Promise<void> {
    this.printed = '';
    const child = spawn(PROGRAM, ['run', '--port', String(port), '--data-dir', this.folder], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.child = child;
    await new Promise<void>((done, fail) => {
      child.once('exit', (code) => fail(new Error(`the product ended with ${code}: ${this.printed}`)));
      child.once('error', fail);
      child.stdout.on('data', (part: Buffer) => {
        this.printed += part;
        if (this.printed.includes('_sim/view')) done();
      });
    });
    this.url = `http://${this.server().address}`;
  }

  /** As if its machine lost power. */
  async kill(): Promise<void> {
    const child = this.child;
    this.child = null;
    if (!child) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** The link that it printed at its start. */
  get link(): string {
    return /http:\S+#code=[\w-]+/.exec(this.printed)?.[0] ?? '';
  }

  private server(): { address: string; simulators: Record<string, string> } {
    return JSON.parse(readFileSync(join(this.folder, 'server.json'), 'utf8'));
  }

  simulator(name: string): string {
    return this.server().simulators[name] ?? '';
  }

  /** Runs one of its commands, on the demo tenant: journeys make others. */
  async command(...args: string[]): Promise<string> {
    const isOfOne = !['send', 'tenant', 'token'].includes(args[0] ?? '');
    const of = isOfOne ? ['--tenant', 'tenant_demo'] : [];
    return (await run(PROGRAM, [...args, ...of, '--data-dir', this.folder])).stdout;
  }

  /** Another link, for a person with this role. It opens a page, or else where one lands. */
  async newLink(role = 'tenant_admin', subject = 'maria', path = '/'): Promise<string> {
    const printed = await this.command('sign-in', 'code', '--role', role, '--subject', subject);
    return `${this.url}/dashboard${path}#code=${/[\w-]+$/.exec(printed.trim())?.[0]}`;
  }

  /** Posts a call to it, and gives its request's id. */
  async call(recording = 'kitchen-quote', caller = '+15125550142'): Promise<string> {
    const out = await this.command('send', 'callrail', '--recording', recording, '--caller', caller);
    return (JSON.parse(out) as { request_id: string }).request_id;
  }

  /** Posts a form with a picture, which its website's visitor chose, and gives its request's id. */
  async form(): Promise<string> {
    const out = await this.command('send', 'webforms', 'multipart');
    return (JSON.parse(out) as { lead_id: string }).lead_id;
  }

  /** Has the files of forms read from now on. */
  async readDocuments(): Promise<void> {
    const config = JSON.parse(await this.command('config', 'show')) as object;
    const file = join(this.folder, 'config.json');
    writeFileSync(file, JSON.stringify({ ...config, documents: { read_by: 'form_parser' } }));
    await this.command('config', 'set', file);
  }

  /** Asks its API, as an administrator of the demo tenant. */
  async api<T>(path: string): Promise<T> {
    this.bearer ??= this.command('token');
    const bearer = (await this.bearer).trim();
    const answer = await fetch(`${this.url}/v1/tenants/tenant_demo/${path}`, {
      headers: { authorization: `Bearer ${bearer}` },
    });
    return (await answer.json()) as T;
  }

  /** Waits until a lead stands there. */
  async until(id: string, status: string): Promise<void> {
    const end = Date.now() + 20_000;
    for (;;) {
      const lead = await this.api<{ status: string }>(`requests/${id}`);
      if (lead.status === status) return;
      if (Date.now() > end) throw new Error(`${id} is ${lead.status}, not ${status}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  /** Makes a simulated provider fail. */
  async fault(provider: string, fault: object, times = 1): Promise<void> {
    await fetch(`${this.simulator(provider)}/_sim/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ fault, times }),
    });
  }
}
