import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { makeCache } from './api/queries';
import { start, whenEnded } from './api/sign-in';
import { refusedStart } from './pages/sign-in/refused';
import { makeRouter } from './routes';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';

const cache = makeCache();
const router = makeRouter(cache);

whenEnded(() => {
  cache.clear();
  const { pathname, href } = router.state.location;
  if (pathname !== '/sign-in') void router.navigate({ to: '/sign-in', search: { to: href } });
});

const started = await start();
if (started.kind === 'refused') {
  refusedStart(started.failure);
  await router.navigate({ to: '/sign-in', search: {}, replace: true });
}

const place = document.getElementById('root');
if (place) {
  createRoot(place).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <QueryClientProvider client={cache}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </CSPProvider>
    </StrictMode>,
  );
}
