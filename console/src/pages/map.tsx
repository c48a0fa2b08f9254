// Where workers are (by their operators' word) and how spread out: who could stop or watch how much.

import { geoEqualEarth, geoPath, geoGraticule10 } from "d3-geo";
import { useMemo, useState } from "react";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import land from "world-atlas/land-110m.json";
import { useBackend, useShared } from "../api/hooks";
import { sites, spread, TIER_WORDS, type Site } from "../api/places";
import type { Snapshot, Worker } from "../api/model";
import { count, country, percent } from "../ui/format";
import { Bars, Card, Empty, Failure, Figure, Figures, Key, Loading, Notice, Page, Segmented, Term } from "../ui/kit";

const WIDTH = 960;
const HEIGHT = 470;
const TIER_COLORS = ["var(--chart-1)", "var(--chart-3)", "var(--chart-2)", "var(--chart-4)", "var(--bad)"];

const projection = geoEqualEarth().fitExtent(
  [
    [4, 4],
    [WIDTH - 4, HEIGHT - 4],
  ],
  { type: "Sphere" },
);
const path = geoPath(projection);
const LAND = path(feature(land as unknown as Topology<{ land: GeometryCollection }>, "land")) ?? "";
const GRID = path(geoGraticule10()) ?? "";

function tierColor(tier: number): string {
  return TIER_COLORS[tier - 1] ?? TIER_COLORS[4]!;
}

export function MapPage() {
  const snapshot = useShared((state) => state.snapshot);
  const error = useShared((state) => state.snapshotError);
  return (
    <Page
      title="Map"
      lead="A network that stands in one place, or with one operator, can be stopped there. Here is how spread out this one is."
    >
      {error !== null && <Failure error={error} what="The network could not be read" />}
      {snapshot ? (
        <Spread snapshot={snapshot} />
      ) : (
        error === null && (
          <div className="card">
            <Loading what="the map" lines={6} />
          </div>
        )
      )}
    </Page>
  );
}

function Spread({ snapshot }: { snapshot: Snapshot }) {
  const { identity } = useBackend();
  const [tier, setTier] = useState<string>("all");
  const figures = useMemo(() => spread(snapshot.workers), [snapshot]);
  const shown = useMemo(
    () => snapshot.workers.filter((worker) => tier === "all" || worker.tier === Number(tier)),
    [snapshot, tier],
  );
  if (snapshot.workers.length === 0) {
    return (
      <div className="card">
        <Empty icon="worker" title="No worker has joined yet">
          <p>Once machines register, this page shows who runs them and where.</p>
        </Empty>
      </div>
    );
  }
  return (
    <>
      <Figures>
        <Figure
          label={<Term means="Accounts that run workers. One person may have several accounts.">Operators</Term>}
          value={count(figures.operators)}
          note={`run ${count(figures.all)} workers`}
        />
        <Figure
          label={
            <Term means="The fewest operators that have more than half of all workers together. The higher, the harder to stop or capture.">
              To reach half
            </Term>
          }
          value={count(figures.operatorsForHalf)}
          note={figures.operatorsForHalf === 1 ? "one operator has more than half" : "operators needed"}
        />
        <Figure
          label="Largest operator"
          value={figures.largestOperator ? percent(figures.largestOperator.part) : "–"}
          note="of all workers"
        />
        <Figure
          label="Countries"
          value={count(figures.countries)}
          note={`${count(figures.cities)} ${figures.cities === 1 ? "city" : "cities"}`}
        />
        <Figure
          label="Largest country"
          value={figures.largestCountry ? percent(figures.largestCountry.part) : "–"}
          note={figures.largestCountry ? country(figures.largestCountry.code) : "no place declared"}
        />
        <Figure label="With a place" value={`${count(figures.placed)}`} unit={`of ${count(figures.all)}`} />
      </Figures>
      <Card
        title="Where workers are"
        note="As their operators declare. Nothing checks it: hardware proves what runs, not where."
        side={
          figures.byTier.length > 1 ? (
            <Segmented
              label="Tier"
              value={tier}
              onChange={setTier}
              choices={[
                { value: "all", text: "All tiers" },
                ...figures.byTier.map((one) => ({ value: String(one.tier), text: `Tier ${one.tier}` })),
              ]}
            />
          ) : undefined
        }
      >
        {!identity.hasPlaces ? (
          <Notice tone="quiet" title="This network has no places">
            Its registry does not take them, so the map stays empty.
          </Notice>
        ) : (
          figures.placed === 0 && (
            <Notice tone="quiet" title="No operator has declared a place yet">
              Operators do with{" "}
              <code className="wrap">
                phat worker place WORKER --country CA --city Montreal --latitude 45.5 --longitude=-73.6 --as ACCOUNT
              </code>
              , or on their worker’s page.
            </Notice>
          )
        )}
        <WorldMap workers={shown} />
        <div className="legend">
          {figures.byTier.map((one) => (
            <span key={one.tier}>
              <i style={{ background: tierColor(one.tier) }} />
              Tier {one.tier}, {TIER_WORDS[one.tier]}: {count(one.workers)}
            </span>
          ))}
        </div>
      </Card>
      <div className="grid two">
        <Card title="By operator">
          <Bars
            format={percent}
            rows={figures.byOperator.slice(0, 8).map((one) => ({
              key: one.name,
              name: <Key of={one.name} what="the operator" />,
              part: one.workers / figures.all,
              note: `${count(one.workers)} · ${percent(one.workers / figures.all)}`,
            }))}
          />
        </Card>
        <Card title="By country">
          {figures.byCountry.length === 0 ? (
            <Empty icon="map" title="No country declared" />
          ) : (
            <Bars
              format={percent}
              rows={figures.byCountry.slice(0, 8).map((one) => ({
                key: one.code,
                name: country(one.code),
                part: one.workers / figures.placed,
                note: `${count(one.workers)} · ${percent(one.workers / figures.placed)}`,
              }))}
            />
          )}
        </Card>
      </div>
    </>
  );
}

function WorldMap({ workers }: { workers: Worker[] }) {
  const [open, setOpen] = useState<string | null>(null);
  const found = useMemo(() => sites(workers), [workers]);
  const chosen = found.find((site) => site.key === open) ?? null;
  return (
    <div className="stack">
      <svg
        className="map"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="group"
        aria-label={`World map with ${found.length} place${found.length === 1 ? "" : "s"}`}
      >
        <path d={GRID} fill="none" stroke="var(--line)" strokeWidth="0.5" />
        <path className="land" d={LAND} />
        {/* Small ones last, so that large ones do not hide them. */}
        {found.map((site) => (
          <Pin
            key={site.key}
            site={site}
            open={site.key === open}
            onOpen={() => setOpen(site.key === open ? null : site.key)}
          />
        ))}
      </svg>
      {chosen && (
        <div className="result" role="status">
          <strong>
            {chosen.place.city}, {country(chosen.place.country)}
          </strong>
          <ul className="list" style={{ marginTop: 6 }}>
            {chosen.workers.slice(0, 12).map((worker) => (
              <li key={worker.id} style={{ padding: "5px 0" }}>
                <Key of={worker.id} what="the worker" href={`#/workers/${worker.id}`} />
                <span className="quiet">tier {worker.tier}</span>
              </li>
            ))}
          </ul>
          {chosen.workers.length > 12 && <p className="small quiet">and {count(chosen.workers.length - 12)} more</p>}
        </div>
      )}
    </div>
  );
}

function Pin({ site, open, onOpen }: { site: Site; open: boolean; onOpen: () => void }) {
  const at = projection([site.place.longitude, site.place.latitude]);
  if (!at) return null;
  const number = site.workers.length;
  const radius = 6 + 3.2 * Math.sqrt(number);
  const worst = Math.max(...site.workers.map((worker) => worker.tier));
  const press = (event: React.KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    onOpen();
  };
  return (
    <g
      className="pin"
      transform={`translate(${at[0]} ${at[1]})`}
      role="button"
      tabIndex={0}
      aria-expanded={open}
      aria-label={`${site.place.city}, ${country(site.place.country)}: ${number} worker${number === 1 ? "" : "s"}`}
      onClick={onOpen}
      onKeyDown={press}
    >
      <circle r={radius} fill={tierColor(worst)} fillOpacity={open ? 1 : 0.88} />
      <text>{number}</text>
    </g>
  );
}
