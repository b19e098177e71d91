import { queryOptions } from '@tanstack/react-query';
import { Failure } from '../api/problem';
import { type Packed, type StateMap, type States, unpack } from './state-map';

/** Map data are files of the dashboard's own: nothing is asked of anybody else. */
async function file<T>(name: string, signal: AbortSignal): Promise<T> {
  const answer = await fetch(`${import.meta.env.BASE_URL}geo/${name}.json`, { signal }).catch(() => {
    throw Failure.offline();
  });
  if (!answer.ok) throw Failure.of(answer, null);
  return (await answer.json()) as T;
}

export const statesQuery = queryOptions({
  queryKey: ['geo'],
  queryFn: ({ signal }) => file<States>('index', signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export const stateMapQuery = (state: string) =>
  queryOptions({
    queryKey: ['geo', state],
    queryFn: async ({ signal }): Promise<StateMap> => unpack(await file<Packed>(state, signal)),
    staleTime: Number.POSITIVE_INFINITY,
  });
