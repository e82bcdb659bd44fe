/** Addresses of the API, each written once; `asOf` is a UTC day or null for now. */

import type { MeBody } from './bodies.ts';
import { address } from './client.ts';

type Day = string | null;

const ROOT = '/api/analytics';
const id = encodeURIComponent;

export const mePath = `${ROOT}/me`;
export const streamPath = `${ROOT}/stream`;
export const dashboardPath = `${ROOT}/dashboard`;
export const systemHealthPath = `${ROOT}/system-health`;
export const dataQualityPath = `${ROOT}/data-quality`;
export const pipelinePath = `${ROOT}/pipeline`;

const AHEAD = 20;

export const lionsPath = (asOf: Day): string => address(`${ROOT}/lions`, { as_of: asOf });
export const positionsPath = (asOf: Day): string => address(`${ROOT}/lions/positions`, { as_of: asOf });
export const lionPath = (lion: string, asOf: Day): string => address(`${ROOT}/lions/${id(lion)}`, { as_of: asOf });
export const weightTrendPath = (lion: string, asOf: Day): string =>
  address(`${ROOT}/lions/${id(lion)}/weight-trend`, { days: 30, as_of: asOf });
export const trackPath = (lion: string, hours: number, asOf: Day): string =>
  address(`${ROOT}/lions/${id(lion)}/track`, { hours, as_of: asOf });
export const healthReportPath = (asOf: Day): string => address(`${ROOT}/lions-health/report`, { as_of: asOf });
export const weightsPath = (asOf: Day): string => address(`${ROOT}/trends/weight`, { as_of: asOf });
export const engagementsPath = (asOf: Day): string => address(`${ROOT}/trends/engagement`, { as_of: asOf });
export const lionRanksPath = (asOf: Day): string => address(`${ROOT}/leaderboard/lions`, { limit: AHEAD, as_of: asOf });
export const userRanksPath = (asOf: Day, limit = AHEAD): string =>
  address(`${ROOT}/leaderboard/users`, { limit, as_of: asOf });
export const engagementPath = (user: string, asOf: Day): string =>
  address(`${ROOT}/users/${id(user)}/engagement`, { as_of: asOf });
export const activityPath = (user: string, asOf: Day): string =>
  address(`${ROOT}/users/${id(user)}/activity-summary`, { as_of: asOf });
export const challengesPath = (user: string, asOf: Day): string =>
  address(`${ROOT}/users/${id(user)}/challenges-analytics`, { as_of: asOf });

/** What the pages show as they open to somebody; so much is kept for when the server is out of reach. */
export function openingPaths({ user_id: user, known }: Pick<MeBody, 'user_id' | 'known'>): string[] {
  const all = user === null ? [] : [userRanksPath(null)];
  if (user !== null && known)
    all.push(engagementPath(user, null), activityPath(user, null), challengesPath(user, null));
  all.push(
    dashboardPath,
    systemHealthPath,
    dataQualityPath,
    pipelinePath,
    lionsPath(null),
    positionsPath(null),
    healthReportPath(null),
  );
  all.push(weightsPath(null), engagementsPath(null), lionRanksPath(null));
  return all;
}
