/** Bodies of the API, as `/openapi.json` describes them. Made by `make web`; change `views/bodies`, not this. */

export interface ActivitySummary {
  active_days: number;
  avg_engagement: number | null;
  total_completed: number;
  total_in_progress: number;
  total_weight_entries: number;
}

export interface ActivitySummaryBody {
  period: string;
  summary: ActivitySummary;
  timestamp: string;
  user_id: string;
}

export interface BrokenRule {
  last_seen: string;
  records: number;
  rule: string;
  topic: string;
}

export interface Challenge {
  age_days: number;
  challenge_id: string;
  created_at: string;
  status: string;
  title: string | null;
  updated_at: string;
}

export interface ChallengeStats {
  abandoned: number;
  completed: number;
  in_progress: number;
  total: number;
}

export interface ChallengesBody {
  challenges: Challenge[];
  stats: ChallengeStats;
  user_id: string;
}

export interface CheckBody {
  detail: string;
  ok: boolean;
}

export interface Checks {
  avg_quality: number | null;
  checks_last_hour: number;
  last_check: string | null;
  unique_statuses: number;
}

export interface DashboardBody {
  dashboard: Totals;
}

export interface DataQualityBody {
  data_quality: TableQuality[];
  period: string;
  timestamp: string;
}

export interface DeadLetters {
  last_24h: number;
  rules: BrokenRule[];
  total: number;
}

export interface EngagementBody {
  current_score: number | null;
  history: UserDay[];
  user_id: string;
}

export interface EngagementDay {
  active_users: number;
  activity_date: string;
  avg_engagement: number;
}

export interface EngagementsBody {
  data: EngagementDay[];
  timestamp: string;
  trend: string;
}

export interface ErrorBody {
  detail: string;
  error: string;
}

export interface ExplainBody {
  columns: Record<string, string>;
  deletions: unknown[] | Record<string, unknown>;
  key: Record<string, unknown>;
  repeats: Record<string, number>;
  revisions: unknown[] | Record<string, unknown>;
  row: Record<string, unknown> | null;
  rule: Record<string, unknown> | null;
  sources: Record<string, unknown>[];
  table: string;
}

export interface ExportBody {
  data: Record<string, unknown>[];
  export_timestamp: string;
  record_count: number;
  table: string;
}

export interface Fix {
  accuracy: number | null;
  lat: number;
  lion_id: string;
  lng: number;
  position_date: string;
}

export interface HealthBody {
  status: string;
  timestamp: string;
}

export interface HealthDistribution {
  avg_health_score: number | null;
  avg_weight: number | null;
  excellent_health: number;
  good_health: number;
  needs_attention: number;
  total_lions: number;
}

export interface HealthReportBody {
  health_distribution: HealthDistribution;
  report_date: string;
  timestamp: string;
}

export interface LakeState {
  bytes: number;
  error: boolean;
  files: number;
  lag_records: number | null;
  lag_s: number | null;
  rows: number;
}

export interface Lion {
  current_weight: number | null;
  data_quality_score: number | null;
  health_score: number | null;
  lion_id: string;
  name: string | null;
  position_lat: number | null;
  position_lng: number | null;
  status: string;
  tracking_frequency: number | null;
  updated_at: string | null;
}

export interface LionBody {
  history: LionDay[];
  lion: LionNow;
}

export interface LionDay {
  avg_weight: number | null;
  health_score: number | null;
  lion_id: string;
  metric_date: string;
  status: string;
  tracking_frequency: number;
  weight_trend: string;
}

export interface LionLeaderboardBody {
  leaderboard: LionRank[];
  timestamp: string;
}

export interface LionNow {
  avg_weight: number | null;
  health_score: number | null;
  lion_id: string;
  metric_date: string | null;
  name: string | null;
  position_lat: number | null;
  position_lng: number | null;
  status: string;
  tracking_frequency: number | null;
  weight_trend: string | null;
}

export interface LionRank {
  avg_health: number | null;
  lion_id: string;
  max_frequency: number;
  name: string | null;
  rank: number;
  tracked_days: number;
}

export interface LionsBody {
  count: number;
  lions: Lion[];
  timestamp: string;
}

export interface LiveBody {
  lion_id: string;
  window: LiveWindow;
}

export interface LiveWindow {
  first: TimedFix;
  fixes: number;
  last: TimedFix;
  max_lat: number;
  max_lng: number;
  mean_lat: number;
  mean_lng: number;
  min_lat: number;
  min_lng: number;
  window_start: string;
}

export interface MeBody {
  delay_h: number | null;
  demo: boolean;
  grid_deg: number | null;
  known: boolean;
  positions: string;
  roles: string[];
  timestamp: string;
  user_id: string | null;
}

export interface PartitionState {
  lag_records: number | null;
  next_offset: number;
  partition: number;
  topic: string;
  updated_at: string;
}

export interface Pipeline {
  dead_letters: DeadLetters;
  lag_records: number | null;
  lake: LakeState;
  partitions: PartitionState[];
  runs: RunState[];
}

export interface PipelineBody {
  pipeline: Pipeline;
  timestamp: string;
}

export interface Point {
  coordinates: number[];
  type: 'Point';
}

export interface PositionFeature {
  geometry: Point;
  id: string;
  properties: PositionProperties;
  type: 'Feature';
}

export interface PositionHistoryBody {
  count: number;
  lion_id: string;
  period_hours: number;
  positions: Fix[];
}

export interface PositionProperties {
  health_score: number | null;
  lion_id: string;
  name: string | null;
  position_date: string;
  status: string;
}

export interface PositionsBody {
  bbox?: number[];
  features: PositionFeature[];
  type: 'FeatureCollection';
}

export interface ReadyBody {
  checks: Record<string, CheckBody>;
  reasons: string[];
  status: string;
  timestamp: string;
}

export interface RunState {
  end_time: string | null;
  error_count: number;
  pipeline_name: string;
  pipeline_run_id: string;
  processed_records: number;
  start_time: string;
  status: string;
}

export interface SystemHealthBody {
  health: Checks;
  status: string;
  timestamp: string;
}

export interface TableQuality {
  avg_quality: number;
  checks_count: number;
  last_check: string;
  min_quality: number;
  table_name: string;
}

export interface TimedFix {
  lat: number;
  lng: number;
  time: string;
}

export interface Totals {
  data_quality_score: number | null;
  timestamp: string;
  total_lions: number;
  total_users: number;
}

export interface TrackBody {
  bbox?: number[];
  features: TrackFeature[];
  type: 'FeatureCollection';
}

export interface TrackFeature {
  geometry: TrackGeometry | null;
  id: 'last' | 'track';
  properties: TrackProperties;
  type: 'Feature';
}

export interface TrackGeometry {
  coordinates: unknown[];
  type: 'MultiLineString' | 'Point';
}

export interface TrackProperties {
  coordTimes?: string[][];
  distance_m?: number | null;
  fixes?: number;
  from?: string;
  lion_id: string;
  name?: string | null;
  position_date?: string;
  to?: string;
  truncated?: boolean;
}

export interface UserDay {
  activity_date: string;
  challenges_completed: number;
  challenges_in_progress: number;
  engagement_score: number;
  user_id: string;
  weight_entries: number;
}

export interface UserLeaderboardBody {
  leaderboard: UserRank[];
  timestamp: string;
}

export interface UserRank {
  active_days: number;
  avg_engagement: number;
  rank: number;
  total_completed: number;
  user_id: string;
  username: string;
}

export interface WeighedDay {
  avg_weight: number;
  date: string;
  lion_id: string;
  max_weight: number;
  measurements_count: number;
  min_weight: number;
}

export interface WeightDay {
  avg_value: number;
  entity_type: string;
  metric_date: string;
}

export interface WeightTrendBody {
  count: number;
  data: WeighedDay[];
  lion_id: string;
  period_days: number;
}

export interface WeightsBody {
  data: WeightDay[];
  timestamp: string;
  trend: string;
}
