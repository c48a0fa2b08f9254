// Line plots in SVG: values over time, with a table of the same numbers for screen readers.

import { useEffect, useId, useMemo, useRef, useState } from "react";
import { decimal } from "./format";

export interface Series {
  name: string;
  color: string;
  values: (number | null)[];
}

/** Units are pixels: the drawing is as wide as its place, so that letters keep their size. */
const WIDTH_START = 560;
const LEFT = 52;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 22;

/** Round numbers between which all values lie: at most five of them. */
export function ticks(low: number, high: number): number[] {
  if (!(high > low)) {
    const around = low === 0 ? 1 : Math.abs(low) * 0.1;
    return ticks(low - around, low + around);
  }
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? 10 * power;
  const result = [];
  for (let tick = Math.floor(low / step) * step; tick < high + step; tick += step)
    result.push(Number(tick.toPrecision(12)));
  return result;
}

/** Decimal places that tell neighbours apart which are `step` apart. */
export function placesFor(step: number): number {
  const places = Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  const scaled = step * 10 ** places;
  return Math.abs(scaled - Math.round(scaled)) < 1e-6 ? places : places + 1;
}

function useWidth() {
  const place = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(WIDTH_START);
  useEffect(() => {
    if (!place.current || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > 0) setWidth(Math.round(entry.contentRect.width));
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return { place, width };
}

export function LinePlot({
  times,
  series,
  label,
  timeLabel,
  height = 200,
  fromZero = false,
}: {
  times: number[];
  series: Series[];
  label: string;
  timeLabel: (time: number) => string;
  height?: number;
  fromZero?: boolean;
}) {
  const [cursor, setCursor] = useState<number | null>(null);
  const { place, width } = useWidth();
  const id = useId();
  const plot = useMemo(() => {
    const values = series.flatMap((line) => line.values.filter((value): value is number => value !== null));
    const low = Math.min(...values, fromZero ? 0 : Infinity);
    const marks = ticks(low, Math.max(...values));
    const [bottom, top] = [marks[0]!, marks.at(-1)!];
    const [start, end] = [times[0]!, times.at(-1)!];
    const x = (time: number) => LEFT + ((time - start) / (end - start || 1)) * (width - LEFT - RIGHT);
    const y = (value: number) => TOP + (1 - (value - bottom) / (top - bottom)) * (height - TOP - BOTTOM);
    return { marks, x, y, bottom, places: placesFor(marks[1]! - bottom) };
  }, [times, series, height, fromZero, width]);
  const mark = (value: number) => decimal(value, plot.places);
  const readout = (value: number) => decimal(value, plot.places + 1);
  const path = (values: (number | null)[]) =>
    values
      .map((value, at) =>
        value === null
          ? ""
          : `${values[at - 1] == null ? "M" : "L"}${plot.x(times[at]!).toFixed(1)} ${plot.y(value).toFixed(1)}`,
      )
      .join("");
  const nearest = (clientX: number, box: DOMRect) => {
    const at = ((clientX - box.left) / box.width) * width;
    let best = 0;
    times.forEach((time, place) => {
      if (Math.abs(plot.x(time) - at) < Math.abs(plot.x(times[best]!) - at)) best = place;
    });
    return best;
  };
  const shown = cursor ?? times.length - 1;
  return (
    <figure ref={place} style={{ display: "grid", gap: 8 }}>
      <svg
        className="plot"
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-labelledby={id}
        onPointerMove={(event) => setCursor(nearest(event.clientX, event.currentTarget.getBoundingClientRect()))}
        onPointerLeave={() => setCursor(null)}
      >
        <title
          id={id}
        >{`${label}. Last value: ${series.map((line) => `${line.name} ${readout(line.values.at(-1) ?? NaN)}`).join(", ")}`}</title>
        {plot.marks.map((at) => (
          <g key={at}>
            <line className="gridline" x1={LEFT} x2={width - RIGHT} y1={plot.y(at)} y2={plot.y(at)} />
            <text x={LEFT - 8} y={plot.y(at) + 4} textAnchor="end">
              {mark(at)}
            </text>
          </g>
        ))}
        {series.map((line) => (
          <g key={line.name}>
            {series.length === 1 && line.values.every((value) => value !== null) && times.length > 1 && (
              <path
                className="area"
                fill={line.color}
                d={`${path(line.values)}L${plot.x(times.at(-1)!)} ${plot.y(plot.bottom)}L${plot.x(times[0]!)} ${plot.y(plot.bottom)}Z`}
              />
            )}
            <path className="line" stroke={line.color} d={path(line.values)} />
          </g>
        ))}
        <text x={LEFT} y={height - 4}>
          {timeLabel(times[0]!)}
        </text>
        <text x={width - RIGHT} y={height - 4} textAnchor="end">
          {timeLabel(times.at(-1)!)}
        </text>
        {cursor !== null && (
          <line
            className="cursor"
            x1={plot.x(times[shown]!)}
            x2={plot.x(times[shown]!)}
            y1={TOP}
            y2={height - BOTTOM}
          />
        )}
        {series.map((line) => {
          const value = line.values[shown];
          return value == null ? null : (
            <circle key={line.name} cx={plot.x(times[shown]!)} cy={plot.y(value)} r="3.4" fill={line.color} />
          );
        })}
      </svg>
      <figcaption className="legend">
        {series.map((line) => (
          <span key={line.name}>
            <i style={{ background: line.color }} />
            {line.name} <span className="number">{readout(line.values[shown] ?? NaN)}</span>
          </span>
        ))}
        <span className="faint">{timeLabel(times[shown]!)}</span>
      </figcaption>
    </figure>
  );
}
