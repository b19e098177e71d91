// How Google's own clients are pointed at simulated services.
import { Storage } from '@google-cloud/storage';
import { GoogleAuth, OAuth2Client } from 'google-auth-library';

const TOKEN = 'simulated-google-token';
// Generated clients read an error from the answer themselves.
const transporterOptions = { validateStatus: () => true };

// No client looks for a machine of Google's around it.
process.env.METADATA_SERVER_DETECTION = 'none';

/** Somebody who has this token already, so that no client asks for one elsewhere. */
export function bearer(token = TOKEN) {
  const client = new OAuth2Client({ transporterOptions });
  client.setCredentials({ access_token: token, expiry_date: Date.now() + 3_600_000 });
  return client;
}

/** Somebody who has an API key. */
export const keyed = (key) => new GoogleAuth().fromAPIKey(key, { transporterOptions });

/** The options of a generated client that speaks REST, not gRPC, with a service at this URL. */
export function rest(url) {
  const { hostname, port } = new URL(url);
  return { fallback: true, protocol: 'http', apiEndpoint: hostname, port: Number(port) };
}

/** The client of a simulated Cloud Storage. */
export function storage(url) {
  const client = new Storage({ projectId: 'demo', apiEndpoint: url, retryOptions: { autoRetry: false } });
  // At an address that is not Google's it signs in nowhere, so the token is put in here.
  const request = (options) => ({
    ...options,
    headers: { ...options.headers, authorization: `Bearer ${TOKEN}` },
  });
  client.interceptors.push({ request });
  return client;
}
