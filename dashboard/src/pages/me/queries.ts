import { queryOptions } from '@tanstack/react-query';
import { api, read } from '../../api/client';
import { keys } from '../../api/keys';

export const devicesQuery = queryOptions({
  queryKey: [...keys.me, 'devices'],
  queryFn: ({ signal }) => read(api.GET('/v1/sign-in/devices', { signal })),
  staleTime: 15_000,
});

export const signDeviceOut = (device: string) =>
  read(api.DELETE('/v1/sign-in/devices/{device_id}', { params: { path: { device_id: device } } }));
