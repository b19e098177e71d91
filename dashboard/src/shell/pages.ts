// Every page that one goes to from everywhere, in the order of the rail.
import {
  Bell,
  Diamond,
  Flag,
  House,
  type LucideIcon,
  MapPin,
  OctagonAlert,
  Send,
  Settings,
  ShieldBan,
  SlidersHorizontal,
  Users,
  Webhook,
} from 'lucide-react';

export type Place = {
  to:
    | '/t/$tenant'
    | '/t/$tenant/leads'
    | '/t/$tenant/review'
    | '/t/$tenant/stuck'
    | '/t/$tenant/quarantine'
    | '/t/$tenant/start'
    | '/t/$tenant/sources'
    | '/t/$tenant/crm'
    | '/t/$tenant/notifications'
    | '/t/$tenant/area'
    | '/t/$tenant/rules'
    | '/t/$tenant/settings/company';
  name: string;
  Icon: LucideIcon;
  /** The letter that goes there after `g`. */
  letter?: string;
  count?: 'in_review' | 'stuck';
  /** On a phone it stands below, others behind More. */
  isFirst?: boolean;
};

export const GROUPS: readonly { name: string; places: readonly Place[] }[] = [
  {
    name: 'Work',
    places: [
      { to: '/t/$tenant', name: 'Today', Icon: House, letter: 't', isFirst: true },
      { to: '/t/$tenant/leads', name: 'Leads', Icon: Users, letter: 'l', isFirst: true },
      {
        to: '/t/$tenant/review',
        name: 'Review',
        Icon: Diamond,
        letter: 'r',
        count: 'in_review',
        isFirst: true,
      },
      { to: '/t/$tenant/stuck', name: 'Stuck', Icon: OctagonAlert, letter: 's', count: 'stuck' },
      { to: '/t/$tenant/quarantine', name: 'Quarantine', Icon: ShieldBan, letter: 'q' },
    ],
  },
  {
    name: 'Set up',
    places: [
      { to: '/t/$tenant/start', name: 'Get started', Icon: Flag },
      { to: '/t/$tenant/sources', name: 'Sources', Icon: Webhook, letter: 'o' },
      { to: '/t/$tenant/crm', name: 'CRM', Icon: Send, letter: 'm' },
      { to: '/t/$tenant/notifications', name: 'Notifications', Icon: Bell },
      { to: '/t/$tenant/area', name: 'Service area', Icon: MapPin },
      { to: '/t/$tenant/rules', name: 'Rules', Icon: SlidersHorizontal },
      { to: '/t/$tenant/settings/company', name: 'Settings', Icon: Settings },
    ],
  },
];

export const PLACES: readonly Place[] = GROUPS.flatMap((group) => group.places);

/** The place of the rail that an address belongs to. */
export function placeOf(path: string): Place | undefined {
  const page = path.split('/')[3] ?? '';
  return PLACES.find(({ to }) => (to.split('/')[3] ?? '') === page);
}
