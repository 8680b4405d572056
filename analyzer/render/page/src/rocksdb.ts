// RocksDB: by family over the time, and as tables.
import type { Cache, Family, Report, Series } from './data';
import { h, section } from './dom';
import { table } from './table';
import { bytes, inert } from './text';
import { familiesChart } from './timeline';

const amount = (value: number | undefined): string => (value === undefined ? '' : bytes(value));
const blocks = (family: Family): number | undefined => (family.cached_blocks === undefined ? undefined : Object.values(family.cached_blocks).reduce((sum, one) => sum + one, 0));

export function rocksdb(report: Report, series: Series): HTMLElement | null {
  const data = report.rocksdb;
  if (data === undefined) return null;
  const held = (family: Family): number => (family.all_memtables ?? 0) + (family.table_readers ?? 0) + (blocks(family) ?? 0);
  return section('rocksdb', 'RocksDB',
    h('p', {}, `${data.databases} ${data.databases === 1 ? 'database' : 'databases'}, ${data.families.length} column families${data.versions.length === 0 ? '' : `, RocksDB ${data.versions.map(inert).join(', ')}`}.`,
      data.totals?.['bytes'] === undefined ? '' : ` They hold ${bytes(data.totals['bytes'])}, every byte once.`,
      (data.totals?.['naive_sum'] ?? 0) > (data.totals?.['bytes'] ?? 0) ? ` Their gauges add up to ${bytes(data.totals?.['naive_sum'] ?? 0)}, because each family reports what all share.` : ''),
    familiesChart(series),
    h('h3', {}, 'Column families'),
    table<Family>([
      { title: 'Family', cell: (family) => inert(family.name), order: (family) => family.name, wide: true },
      { title: 'Database', cell: (family) => inert(family.database ?? ''), order: (family) => family.database ?? '', wide: true },
      { title: 'Held', cell: (family) => bytes(held(family)), order: held, number: true },
      { title: 'Memtables', cell: (family) => amount(family.all_memtables), order: (family) => family.all_memtables ?? -1, number: true },
      { title: 'Peak', cell: (family) => amount(family.memtables_peak), order: (family) => family.memtables_peak ?? -1, number: true },
      { title: 'Cached blocks', cell: (family) => amount(blocks(family)), order: (family) => blocks(family) ?? -1, number: true },
      { title: 'Table readers', cell: (family) => amount(family.table_readers), order: (family) => family.table_readers ?? -1, number: true },
      { title: 'Write buffers', cell: (family) => (family.write_buffer_size === undefined ? '' : `${family.max_write_buffers ?? '?'} × ${bytes(family.write_buffer_size)}`), number: true },
    ], data.families, { caption: 'Column families', sorted: 2, most: 12, noun: 'families', text: (family) => `${family.name} ${family.database ?? ''}`.toLowerCase() }),
    data.caches.length === 0 ? null : h('h3', {}, 'Caches'),
    data.caches.length === 0 ? null : table<Cache>([
      { title: 'Families', cell: (cache) => cache.families.map(inert).join(', '), wide: true },
      { title: 'Capacity', cell: (cache) => amount(cache.capacity), order: (cache) => cache.capacity ?? -1, number: true },
      { title: 'Usage', cell: (cache) => amount(cache.usage), order: (cache) => cache.usage ?? -1, number: true },
      { title: 'Peak', cell: (cache) => amount(cache.usage_peak), order: (cache) => cache.usage_peak ?? -1, number: true },
      { title: 'Pinned', cell: (cache) => amount(cache.pinned_usage), order: (cache) => cache.pinned_usage ?? -1, number: true },
      { title: 'Memtables in it', cell: (cache) => amount(cache.memtables_charged), order: (cache) => cache.memtables_charged ?? -1, number: true },
    ], data.caches, { caption: 'Caches', sorted: 2, noun: 'caches' }));
}
