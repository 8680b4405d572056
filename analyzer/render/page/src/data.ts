// What the report put into the page (analyzer/render/html.cc). Amounts are bytes, times seconds since 1970 or, in series,
// milliseconds after `series.base`. What was not observed is absent.

export interface Figure { bytes: number; time: number; origin: string }
export interface Frame { function: string; module: string; java?: boolean; file?: string; line?: number }

export interface LedgerLine {
  id: string; label: string; holder: string; bytes: number; confidence: string; source: string;
  standard_error?: number; budget?: number; overshoot?: number; parts?: { label: string; bytes: number }[];
}
export interface LedgerGroup {
  id: string; label: string; category: string; bytes: number; lines: number[];
  standard_error?: number; budget?: number; budget_source?: string; overshoot?: number;
}
export interface Ledger {
  basis: string; moment: string; total: number; time: number; unexplained?: number; before_last_record_seconds?: number;
  lines: LedgerLine[]; groups: LedgerGroup[]; notes: string[];
}
export interface Finding {
  rule: string; role: string; confidence: string; bytes: number; summary: string;
  evidence: string[]; against: string[]; advice: string[];
}
export interface Family {
  database_id: number; name: string; database?: string; all_memtables?: number; memtables_peak?: number; immutable_memtables?: number;
  table_readers?: number; write_buffer_size?: number; max_write_buffers?: number; cache_id?: number;
  cached_blocks?: Record<string, number>; former_blocks?: Record<string, number>;
}
export interface Cache { id: number; families: string[]; capacity?: number; usage?: number; usage_peak?: number; pinned_usage?: number; memtables_charged?: number; kind?: string }
export interface RocksDb { time: number; databases: number; versions: string[]; totals?: Record<string, number>; families: Family[]; caches: Cache[] }
export interface Site {
  label: string; live: number; standard_error: number; live_samples: number; live_recent: number; untouched: number;
  allocated: number; freed: number; in_rocksdb: boolean; frames: Frame[]; truncated?: boolean; live_by_age?: number[];
}
export interface ThreadGroup {
  name: string; kind: string; live: number; standard_error: number; live_samples: number; threads: number;
  subtasks?: number[]; parallelism?: number; top_site?: string; top_site_live?: number;
}
export interface Mapping { kind: string; label: string; accessible: number; reserved: number; ranges: number; resident?: number; file: number }
export interface Change { key: string; old_value: string; new_value: string; reason: string }
export interface Proposal {
  fits: boolean; summary: string; changes: Change[]; settings: Record<string, string | number | boolean>; arithmetic: string[];
  advice: string[]; predicted_peak: number; headroom: number; smallest_limit: number;
}
export interface Growth { id: string; name: string; holder: string; now: number; last_minute?: number; last_10_minutes?: number; last_hour?: number; last_6_hours?: number; in_all?: number }
export interface Report {
  schema: number; source: string; verdict: string; damage?: string;
  process?: { pid: number; host?: string; executable?: string; command_line?: string; container_id?: string; allocator?: string; start?: number; recorded_seconds: number; sampling_interval?: number; wrackline_version?: string };
  metrics?: { task_manager: string; notes: string[] };
  heap_profile?: { file?: string; format?: string };
  ending: { outcome: string; evidence: string[]; exit_status?: number; signal?: number; time?: number; last_record: number; last_record_age_seconds?: number; kernel_log?: string };
  limit?: Figure; last_charge?: Figure; peak_charge?: Figure; peak_working_set?: Figure;
  time_to_limit?: { state: string; seconds?: number; seconds_low?: number; seconds_high?: number; bytes_an_hour?: number };
  ledger?: Ledger;
  at_the_kill?: { growth: Growth[]; last_record_age_seconds?: number };
  findings: Finding[];
  rocksdb?: RocksDb;
  sites: Site[];
  thread_groups?: ThreadGroup[];
  mappings?: Mapping[];
  losses: { name: string; count: number; meaning: string }[];
  proposal?: Proposal; proposal_error?: string;
  evidence?: { file?: string; used: boolean; kind?: string; title?: string; remark?: string }[];
  lacking?: { kind: string; title: string; why: string; how: string }[];
}

type Column = (number | null)[];
export interface Timeline {
  time: number[]; ticks: number; charge?: Column; limit?: Column; working_set?: Column; resident?: Column;
  parts: { id: string; label: string; bytes: number[] }[];
}
export interface Families { time: number[]; series: { name?: string; database?: string; others?: number; unsplit?: boolean; bytes: Column }[] }
export interface Series { base: number; timeline?: Timeline; collections?: { time: number[]; count: number[] }; families?: Families }

/** One row a stack and thread group. `node` is the difference to the row before until unpack() was there. */
export interface Rows { node: number[]; library: number[]; bytes: number[]; group?: number[]; age?: number[][] }
export interface View { id: string; kind: 'live' | 'allocated'; time: number; rows: Rows }
export interface Profile {
  strings: string[]; modules: string[]; frames: [string: number, module: number, flags: number][];
  groups: { name: string; kind: string }[]; libraries: string[]; views: View[];
  tree: { up: number[]; frame: number[] }; start?: number;
  /** Bytes of one in `bytes` and `age`. */
  unit: number; cut_short?: number; smaller?: number;
}

export interface PageData { page: number; report: Report; series: Series; profile: Profile | null }

function unpack(profile: Profile): void {
  for (const { rows } of profile.views) {
    let at = 0;
    rows.node = rows.node.map((step) => (at += step));
    if (profile.unit === 1) continue;
    const inBytes = (column: number[]): number[] => column.map((amount) => amount * profile.unit);
    rows.bytes = inBytes(rows.bytes);
    if (rows.age !== undefined) rows.age = rows.age.map(inBytes);
  }
}

export function readData(): PageData {
  const element = document.getElementById('data');
  const data = JSON.parse(element?.textContent ?? '') as PageData;
  if (data.profile !== null) unpack(data.profile);
  element?.remove();   // it need not be kept twice
  return data;
}
