// Where a simulated provider posts its webhooks to.
import { createServer } from 'node:http';
import { after } from 'node:test';

/** Listens on a free port, and answers every post with 200. */
export async function inbox() {
  const came = [];
  const waiting = new Set();
  const server = createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      came.push({ headers: request.headers, body: Buffer.concat(pieces) });
      response.end();
      for (const look of waiting) look();
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/webhooks`,
    /** The first post that is meant, once it is there. */
    first: (isMeant = () => true) =>
      new Promise((done) => {
        const look = () => {
          const found = came.find(isMeant);
          if (!found) return;
          waiting.delete(look);
          done(found);
        };
        waiting.add(look);
        look();
      }),
  };
}
