// Figures and names as people read them.

const kUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** "0 B", "1.5 KiB", "136.0 MiB", "2.00 GiB": as the text report prints amounts. */
export function bytes(amount: number): string {
  const sign = amount < 0 ? '-' : '';
  let value = Math.abs(amount);
  let unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.length) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 ? 0 : unit >= 3 ? 2 : 1;
  return `${sign}${value.toFixed(digits)} ${kUnits[unit]}`;
}

export function change(amount: number): string {
  return amount > 0 ? `+${bytes(amount)}` : bytes(amount);
}

export function percent(part: number, whole: number): string {
  if (whole === 0) return '';
  const share = (100 * part) / whole;
  return `${share !== 0 && Math.abs(share) < 10 ? share.toFixed(1) : share.toFixed(0)} %`;
}

/** Seconds since 1970 as "2026-11-28 10:00:00 UTC". */
export function moment(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? 'an impossible time' : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export function clock(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? '?' : date.toISOString().slice(11, 19);
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const whole = Math.round(seconds), minutes = Math.round(seconds / 60);
  return whole < 7200 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function count(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ' ');
}

// Controls, bidirectional overrides and isolates, and what is drawn as nothing: a name that holds them could look like another one.
const kInvisible = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff]|\udb40[\udc00-\udfff]/g;

/** A name of the profiled program, for the eye: every invisible character as \u202e. */
export function inert(name: string): string {
  // Surrogates in pairs are ordinary characters, and the expression without `u` sees halves.
  return Array.from(name, (character) =>
    character.length > 1 && !/^\udb40/.test(character)
      ? character
      : character.replace(kInvisible, (hidden) => `\\u${hidden.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ).join('');
}

/** "last of each window -> nowhere", shortened in the middle: both ends of a name say something. */
export function shorten(name: string, most: number): string {
  if (name.length <= most) return name;
  const head = Math.ceil((most - 1) / 2);
  return `${name.slice(0, head)}…${name.slice(name.length - (most - 1 - head))}`;
}
