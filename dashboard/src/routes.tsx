// Every page with its address, what it needs, and where its code is: the table of contents.
import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { leadQuery } from './api/lead-query';
import { leadsQuery } from './api/leads-query';
import { firstOf, meQuery, officesQuery } from './api/queries';
import { readRefusals } from './api/refusals';
import { isSignedIn } from './api/sign-in';
import { readAreaSearch } from './pages/area/search';
import { readLeadSearch } from './pages/lead/search';
import { readLeadsSearch } from './pages/leads/search';
import { readMappingSearch } from './pages/mapping/search';
import NotFound from './pages/not-found/page';
import { readQuarantineSearch } from './pages/quarantine/search';
import { readReviewSearch } from './pages/review/search';
import { readAuditSearch } from './pages/settings/audit/search';
import SignIn from './pages/sign-in/page';
import { readSignInSearch } from './pages/sign-in/search';
import Boundary from './shell/boundary';
import Platform from './shell/platform';
import Shell from './shell/shell';
import { readOfficeSearch } from './text/office-search';
import { parseSearch, stringifySearch } from './text/search';

type Context = { cache: QueryClient };

const root = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: NotFound });

const signInRoute = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: readSignInSearch,
  component: SignIn,
});

/** The first company of whoever is signed in; where there is none yet, whoever creates them does that. */
const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: async ({ context }) => {
    if (!isSignedIn()) throw redirect({ to: '/sign-in', search: {} });
    const me = await context.cache.ensureQueryData(meQuery);
    const tenant = firstOf(me)?.tenant_id;
    if (tenant) throw redirect({ to: '/t/$tenant', params: { tenant } });
    if (me.role === 'platform_admin') throw redirect({ to: '/platform/tenants' });
  },
  component: NotFound,
});

const tenant = createRoute({
  getParentRoute: () => root,
  path: '/t/$tenant',
  beforeLoad: ({ location }) => {
    if (!isSignedIn()) throw redirect({ to: '/sign-in', search: { to: location.href } });
  },
  loader: ({ context, params }) => {
    void context.cache.prefetchQuery(meQuery);
    void context.cache.prefetchQuery(officesQuery(params.tenant));
  },
  component: Shell,
});

const platform = createRoute({
  getParentRoute: () => root,
  path: '/platform',
  beforeLoad: ({ location }) => {
    if (!isSignedIn()) throw redirect({ to: '/sign-in', search: { to: location.href } });
  },
  component: Platform,
});

const tenants = createRoute({
  getParentRoute: () => platform,
  path: '/tenants',
  component: lazyRouteComponent(() => import('./pages/tenants/page')),
});

const security = createRoute({
  getParentRoute: () => platform,
  path: '/security',
  validateSearch: readRefusals,
  component: lazyRouteComponent(() => import('./pages/security/page')),
});

const today = createRoute({
  getParentRoute: () => tenant,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/today/page')),
});

const leads = createRoute({
  getParentRoute: () => tenant,
  path: '/leads',
  validateSearch: readLeadsSearch,
  loaderDeps: ({ search: { peek: _, ...filter } }) => filter,
  loader: ({ context, params, deps }) =>
    void context.cache.prefetchInfiniteQuery(leadsQuery(params.tenant, deps)),
  component: lazyRouteComponent(() => import('./pages/leads/page')),
});

const lead = createRoute({
  getParentRoute: () => tenant,
  path: '/leads/$id',
  validateSearch: readLeadSearch,
  loader: ({ context, params }) => void context.cache.prefetchQuery(leadQuery(params.tenant, params.id)),
  component: lazyRouteComponent(() => import('./pages/lead/page')),
});

const review = createRoute({
  getParentRoute: () => tenant,
  path: '/review',
  validateSearch: readReviewSearch,
  component: lazyRouteComponent(() => import('./pages/review/page')),
});

const stuck = createRoute({
  getParentRoute: () => tenant,
  path: '/stuck',
  component: lazyRouteComponent(() => import('./pages/stuck/page')),
});

const quarantine = createRoute({
  getParentRoute: () => tenant,
  path: '/quarantine',
  validateSearch: readQuarantineSearch,
  component: lazyRouteComponent(() => import('./pages/quarantine/page')),
});

const sources = createRoute({
  getParentRoute: () => tenant,
  path: '/sources',
  component: lazyRouteComponent(() => import('./pages/sources/page')),
});

const connect = createRoute({
  getParentRoute: () => tenant,
  path: '/sources/new',
  component: lazyRouteComponent(() => import('./pages/connect/page')),
});

const refused = createRoute({
  getParentRoute: () => tenant,
  path: '/sources/refused',
  validateSearch: readRefusals,
  component: lazyRouteComponent(() => import('./pages/refused/page')),
});

const source = createRoute({
  getParentRoute: () => tenant,
  path: '/sources/$id',
  component: lazyRouteComponent(() => import('./pages/source/page')),
});

const crm = createRoute({
  getParentRoute: () => tenant,
  path: '/crm',
  component: lazyRouteComponent(() => import('./pages/crm/page')),
});

const mapping = createRoute({
  getParentRoute: () => tenant,
  path: '/crm/$connection/mapping',
  validateSearch: readMappingSearch,
  component: lazyRouteComponent(() => import('./pages/mapping/page')),
});

const notifications = createRoute({
  getParentRoute: () => tenant,
  path: '/notifications',
  validateSearch: readOfficeSearch,
  component: lazyRouteComponent(() => import('./pages/notifications/page')),
});

const area = createRoute({
  getParentRoute: () => tenant,
  path: '/area',
  validateSearch: readAreaSearch,
  component: lazyRouteComponent(() => import('./pages/area/page')),
});

const rules = createRoute({
  getParentRoute: () => tenant,
  path: '/rules',
  validateSearch: readOfficeSearch,
  component: lazyRouteComponent(() => import('./pages/rules/page')),
});

const settings = createRoute({
  getParentRoute: () => tenant,
  path: '/settings',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/t/$tenant/settings/company', params });
  },
});

const company = createRoute({
  getParentRoute: () => tenant,
  path: '/settings/company',
  component: lazyRouteComponent(() => import('./pages/settings/company/page')),
});

const people = createRoute({
  getParentRoute: () => tenant,
  path: '/settings/people',
  component: lazyRouteComponent(() => import('./pages/settings/people/page')),
});

const apiKeys = createRoute({
  getParentRoute: () => tenant,
  path: '/settings/keys',
  component: lazyRouteComponent(() => import('./pages/settings/keys/page')),
});

const audit = createRoute({
  getParentRoute: () => tenant,
  path: '/settings/audit',
  validateSearch: readAuditSearch,
  component: lazyRouteComponent(() => import('./pages/settings/audit/page')),
});

const start = createRoute({
  getParentRoute: () => tenant,
  path: '/start',
  component: lazyRouteComponent(() => import('./pages/start/page')),
});

const you = createRoute({
  getParentRoute: () => tenant,
  path: '/me',
  component: lazyRouteComponent(() => import('./pages/me/page')),
});

const tree = root.addChildren([
  home,
  signInRoute,
  platform.addChildren([tenants, security]),
  tenant.addChildren([
    today,
    leads,
    lead,
    review,
    stuck,
    quarantine,
    sources,
    connect,
    refused,
    source,
    crm,
    mapping,
    notifications,
    area,
    rules,
    settings,
    company,
    people,
    apiKeys,
    audit,
    start,
    you,
  ]),
]);

export const makeRouter = (cache: QueryClient) =>
  createRouter({
    routeTree: tree,
    basepath: '/dashboard',
    context: { cache },
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: Boundary,
    scrollRestoration: true,
    scrollToTopSelectors: ['#main'],
    notFoundMode: 'root',
  });

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
