/** Bodies of the API as `/openapi.json` describes them. Times are ISO-8601 in UTC, weights kg, scores 0-100. */

export type Band = 'excellent' | 'good' | 'needs_attention' | 'unknown';
export type Trend = 'gaining' | 'stable' | 'losing' | 'unknown';

export interface Me {
  user_id: string | null;
  roles: string[];
  positions: 'exact' | 'generalised';
  grid_deg: number | null;
  delay_h: number | null;
  demo: boolean;
  timestamp: string;
}

export interface Lion {
  lion_id: string;
  name: string | null;
  status: string;
  data_quality_score: number | null;
  current_weight: number | null;
  health_score: number | null;
  tracking_frequency: number | null;
  position_lat: number | null;
  position_lng: number | null;
  updated_at: string | null;
}

export interface LionsBody {
  count: number;
  lions: Lion[];
  timestamp: string;
}

export interface LionNow {
  lion_id: string;
  name: string | null;
  status: string;
  position_lat: number | null;
  position_lng: number | null;
  avg_weight: number | null;
  weight_trend: Trend | null;
  health_score: number | null;
  tracking_frequency: number | null;
  metric_date: string | null;
}

export interface LionDay {
  lion_id: string;
  metric_date: string;
  avg_weight: number | null;
  weight_trend: Trend;
  health_score: number | null;
  tracking_frequency: number;
  status: Band;
}

export interface LionBody {
  lion: LionNow;
  history: LionDay[];
}

export interface WeighedDay {
  date: string;
  avg_weight: number;
  min_weight: number;
  max_weight: number;
  measurements_count: number;
}

export interface WeightTrendBody {
  lion_id: string;
  period_days: number;
  data: WeighedDay[];
  count: number;
}

export interface PositionProperties {
  lion_id: string;
  name: string | null;
  status: string;
  health_score: number | null;
  position_date: string;
}

export type PositionsBody = GeoJSON.FeatureCollection<GeoJSON.Point, PositionProperties>;

export interface TrackProperties {
  lion_id: string;
  name: string | null;
  from: string;
  to: string;
  fixes: number;
  distance_m: number | null;
  coordTimes: string[][];
}

export type TrackBody = GeoJSON.FeatureCollection<GeoJSON.MultiLineString | GeoJSON.Point | null, TrackProperties>;

export interface HealthReportBody {
  report_date: string;
  health_distribution: {
    excellent_health: number;
    good_health: number;
    needs_attention: number;
    avg_health_score: number | null;
    avg_weight: number | null;
    total_lions: number;
  };
  timestamp: string;
}

export interface UserDay {
  user_id: string;
  activity_date: string;
  challenges_completed: number;
  challenges_in_progress: number;
  weight_entries: number;
  engagement_score: number;
}

export interface EngagementBody {
  user_id: string;
  current_score: number | null;
  history: UserDay[];
}

export interface ActivitySummaryBody {
  user_id: string;
  period: string;
  summary: {
    total_completed: number | null;
    total_in_progress: number | null;
    total_weight_entries: number | null;
    avg_engagement: number | null;
    active_days: number;
  };
  timestamp: string;
}

export interface Challenge {
  challenge_id: string;
  title: string | null;
  status: string;
  age_days: number | null;
  created_at: string | null;
  updated_at: string | null;
}

export interface ChallengesBody {
  user_id: string;
  stats: { total: number; completed: number; in_progress: number; abandoned: number };
  challenges: Challenge[];
}

export interface DashboardBody {
  dashboard: { total_lions: number; total_users: number; data_quality_score: number | null; timestamp: string };
}

export interface SystemHealthBody {
  health: { checks_last_hour: number; avg_quality: number | null; unique_statuses: number; last_check: string | null };
  status: string;
  timestamp: string;
}

export interface TableQuality {
  table_name: string;
  checks_count: number;
  avg_quality: number | null;
  min_quality: number | null;
  last_check: string | null;
}

export interface DataQualityBody {
  data_quality: TableQuality[];
  period: string;
  timestamp: string;
}

export interface UserRank {
  rank: number;
  user_id: string;
  username: string | null;
  total_completed: number;
  avg_engagement: number | null;
  active_days: number;
}

export interface LionRank {
  rank: number;
  lion_id: string;
  name: string | null;
  avg_health: number | null;
  tracked_days: number;
  max_frequency: number | null;
}

export interface Leaderboard<Row> {
  leaderboard: Row[];
  timestamp: string;
}

export interface WeightTrendDays {
  trend: string;
  data: { entity_type: string; avg_value: number | null; metric_date: string }[];
  timestamp: string;
}

export interface EngagementTrendDays {
  trend: string;
  data: { activity_date: string; active_users: number; avg_engagement: number | null }[];
  timestamp: string;
}

export interface Partition {
  topic: string;
  partition: number;
  next_offset: number;
  lag_records: number | null;
  updated_at: string;
}

export interface Run {
  pipeline_run_id: string;
  pipeline_name: string;
  start_time: string;
  end_time: string | null;
  status: string;
  processed_records: number | null;
  error_count: number | null;
}

export interface PipelineBody {
  pipeline: {
    lag_records: number | null;
    partitions: Partition[];
    dead_letters: {
      total: number;
      last_24h: number;
      rules: { topic: string; rule: string; records: number; last_seen: string }[];
    };
    lake: {
      files: number;
      bytes: number;
      rows: number;
      lag_records: number | null;
      lag_s: number | null;
      error: boolean;
    };
    runs: Run[];
  };
  timestamp: string;
}

/** `event: position` of the stream. */
export interface PositionEvent {
  lion_id: string;
  position_date: string;
  lat: number;
  lng: number;
  accuracy: number | null;
  fixes: number;
}
