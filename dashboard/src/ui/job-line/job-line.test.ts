import { expect, it } from 'vitest';
import type { Job } from '../../api/jobs';
import { jobName, jobStands } from './job-line';

const job = (of: Partial<Job>): Job =>
  ({
    kind: 'redrive',
    state: 'running',
    total: 1204,
    done: 180,
    stopped: 0,
    from_stage: null,
    filter: { connection: null, stage: null, cause: null, request_ids: null },
    ...of,
  }) as Job;

it('says how far a job is, and that it goes on alone', () => {
  expect(jobStands(job({}))).toBe('180 of 1,204 done · goes on if you leave');
  expect(jobStands(job({ stopped: 2 }))).toBe('180 of 1,204 done · 2 stopped again · goes on if you leave');
  expect(jobStands(job({ total: null }))).toBe('180 done · goes on if you leave');
});

it('says how a job ended', () => {
  expect(jobStands(job({ state: 'done', total: 0, done: 0 }))).toBe('there was nothing to do');
  expect(jobStands(job({ state: 'cancelled' }))).toContain('what it did stays done');
  expect(jobStands(job({ state: 'paused' as Job['state'] })), 'a state not known yet').toBe('Paused');
});

it('is called by what it is about', () => {
  const filter = { ...job({}).filter, connection: 'hubspot' };
  expect(jobName(job({ filter }))).toBe('Redrive what is held for HubSpot');
  expect(jobName(job({ kind: 'release', filter: { ...filter, request_ids: ['req_1'] } }))).toBe(
    'Release 1 lead',
  );
});
