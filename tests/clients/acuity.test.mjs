// Acuity Scheduling's own client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Acuity from 'acuityscheduling';
import { inbox } from './support/inbox.mjs';
import { simulators } from './support/program.mjs';

const USER = 17420963;
const KEY = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const it = await simulators();

const acuity = Acuity.basic({ userId: USER, apiKey: KEY, base: it.url('acuity') });

/** The client speaks by callbacks. */
function ask(path, options = {}, client = acuity) {
  return new Promise((done, fail) => {
    client.request(path, options, (error, response, body) => {
      if (error) fail(error);
      else done({ status: response.statusCode, body });
    });
  });
}

const booking = {
  first_name: 'Dana',
  last_name: 'Whitfield',
  email: 'dana.whitfield@example.com',
  phone: '+15125550142',
  starts_at: '2027-03-02T16:00:00Z',
  minutes: 90,
  answers: [['What is the project?', 'A kitchen']],
};

test('it reads an appointment, alone and in a list', async () => {
  const { appointment: id } = await it.act('acuity', 'POST', '/_sim/appointments', booking);
  const { status, body } = await ask(`appointments/${id}`);
  assert.equal(status, 200);
  assert.equal(body.id, Number(id));
  assert.equal(body.firstName, 'Dana');
  assert.equal(body.lastName, 'Whitfield');
  assert.equal(body.phone, '+15125550142');
  assert.equal(new Date(body.datetime).toISOString(), '2027-03-02T16:00:00.000Z');
  assert.equal(body.duration, '90');
  const [answer] = body.forms[0].values;
  assert.deepEqual([answer.name, answer.value], ['What is the project?', 'A kitchen']);

  const qs = { minDate: '2027-03-02', maxDate: '2027-03-02', calendarID: body.calendarID };
  const list = await ask('/appointments', { qs });
  assert.deepEqual(
    list.body.map((each) => each.id),
    [Number(id)],
  );
});

test('it subscribes, verifies what is posted, and unsubscribes', async () => {
  const arrived = await inbox();
  const made = await ask('webhooks', {
    method: 'POST',
    body: { event: 'appointment.scheduled', target: arrived.url },
  });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  assert.equal(made.body.event, 'appointment.scheduled');
  const listed = await ask('webhooks');
  assert.ok(listed.body.some((each) => each.id === made.body.id && each.target === arrived.url));

  const { appointment: id } = await it.act('acuity', 'POST', '/_sim/appointments', booking);
  const post = await arrived.first(({ body }) => body.includes(`id=${id}`));
  assert.equal(new URLSearchParams(post.body.toString()).get('action'), 'scheduled');
  const verify = Acuity.bodyParserVerify(KEY);
  verify(post, null, post.body);
  assert.throws(() => verify(post, null, Buffer.concat([post.body, Buffer.from('0')])), /forged/);
  assert.throws(() => Acuity.bodyParserVerify('another key')(post, null, post.body), /forged/);

  const gone = await ask(`webhooks/${made.body.id}`, { method: 'DELETE' });
  assert.equal(gone.status, 204);
  assert.ok(!(await ask('webhooks')).body.some((each) => each.id === made.body.id));
});

test('it is told who may not', async () => {
  const stranger = Acuity.basic({ userId: USER, apiKey: 'another key', base: it.url('acuity') });
  const { status, body } = await ask('me', {}, stranger);
  assert.equal(status, 401);
  assert.equal(body.status_code, 401);
  assert.equal((await ask('me')).body.id, USER);
});
