// The network at a glance: does it work, how much is there, what happens.

import { useShared, useBackend } from "../api/hooks";
import { networkFindings, overall } from "../api/health";
import type { Cluster, SeenBlock, Snapshot } from "../api/model";
import { amount, clusterName, count, decimal, span } from "../ui/format";
import { Badge, Card, Empty, Failure, Figure, Figures, Key, Loading, Page, Table, Term } from "../ui/kit";

export function OverviewPage() {
  const snapshot = useShared((state) => state.snapshot);
  const error = useShared((state) => state.snapshotError);
  const { identity } = useBackend();
  return (
    <Page
      title="Overview"
      lead="Programs that nobody can look into, on machines that nobody has to trust: the network as it is now."
    >
      {error !== null && (
        <Failure
          error={error}
          what={snapshot ? "The last reading failed; what you see is older" : "The network could not be read"}
        />
      )}
      {snapshot ? (
        <Health snapshot={snapshot} />
      ) : (
        error === null && (
          <div className="card">
            <Loading what="the network" lines={3} />
          </div>
        )
      )}
      {snapshot && <Numbers snapshot={snapshot} symbol={identity.symbol} decimals={identity.decimals} />}
      <div className="grid wide-left">
        <Blocks />
        <Happenings />
      </div>
      {snapshot && <Clusters clusters={snapshot.clusters} />}
    </Page>
  );
}

function Health({ snapshot }: { snapshot: Snapshot }) {
  const words = useShared((state) => state.words);
  const link = useShared((state) => state.link);
  const { identity } = useBackend();
  const findings = networkFindings(snapshot, words, identity);
  const health = link === "lost" ? { tone: "bad" as const, title: "The node has gone silent" } : overall(findings);
  return (
    <section className={`health ${health.tone}`} aria-label="Health">
      <strong>{health.title}</strong>
      <ul>
        {findings.slice(0, 6).map((finding) => (
          <li key={finding.text}>
            <span className={`dot ${finding.tone === "info" ? "" : finding.tone}`} />
            <span>
              {finding.text} {finding.link && <a href={finding.link}>Look</a>}
            </span>
          </li>
        ))}
        {findings.length > 6 && (
          <li>
            <span className="dot" />
            <span>and {findings.length - 6} more, on the pages of workers</span>
          </li>
        )}
      </ul>
    </section>
  );
}

function Numbers({ snapshot, symbol, decimals }: { snapshot: Snapshot; symbol: string; decimals: number }) {
  const words = useShared((state) => state.words);
  const traffics = [...words.values()].flatMap(({ says }) => (says?.traffic ? [says.traffic] : []));
  const rate = traffics.reduce((sum, one) => sum + one.queries / (one.windowMs / 1_000), 0);
  const serving = [...words.values()].filter(({ says }) => says?.serving).length;
  const active = snapshot.workers.filter(
    (worker) => worker.expiresMs > snapshot.timeMs && worker.measurementAllowed,
  ).length;
  const ready = snapshot.contracts.filter((contract) => contract.ready).length;
  return (
    <Figures>
      <Figure
        label={
          <Term means="Machines whose protected hardware has proved to the chain which program it runs.">Workers</Term>
        }
        value={count(active)}
        note={`${count(serving)} seen serving${snapshot.economy ? `, ${count(snapshot.economy.onlineWorkers)} earning` : ""}`}
      />
      <Figure
        label={
          <Term means="Workers that share a key and run the same programs. A program lives in one cluster.">
            Clusters
          </Term>
        }
        value={count(snapshot.clusters.length)}
      />
      <Figure
        label={<Term means="Programs that run in clusters, in secret: what goes in and out is sealed.">Contracts</Term>}
        value={count(snapshot.contracts.length)}
        note={`${count(ready)} ready`}
      />
      <Figure
        label={
          <Term means="Put behind programs by whoever wants them to have more of the processor. The money stays its owner's.">
            Staked to programs
          </Term>
        }
        value={amount(snapshot.staked, decimals, 1)}
        unit={symbol}
      />
      {snapshot.computing !== null && (
        <Figure
          label={<Term means="Put behind workers by pools. It answers for what the workers do.">Behind workers</Term>}
          value={amount(snapshot.computing, decimals, 1)}
          unit={symbol}
        />
      )}
      <Figure
        label={
          <Term means="Questions that workers answered, as far as they publish it: each gives one number for the last ten seconds.">
            Queries a second
          </Term>
        }
        value={traffics.length > 0 ? decimal(rate, rate < 10 ? 1 : 0) : "–"}
        note={
          traffics.length > 0
            ? `from ${count(traffics.length)} worker${traffics.length === 1 ? "" : "s"}`
            : "no worker publishes it"
        }
      />
      <Figure
        label={
          <Term means="Workers that hold shares of the network's key. A threshold of them, never one alone, hands keys to clusters.">
            Gatekeepers
          </Term>
        }
        value={count(snapshot.gatekeepers.length)}
      />
    </Figures>
  );
}

/** Milliseconds between neighbours, from when this page saw them. */
function gaps(blocks: SeenBlock[]): number[] {
  return blocks.slice(1).map((block, place) => block.seenAtMs - blocks[place]!.seenAtMs);
}

function Blocks() {
  const blocks = useShared((state) => state.blocks);
  const final = useShared((state) => state.final);
  const between = gaps(blocks).filter((gap) => gap > 0);
  const settled = blocks.flatMap((block) =>
    block.finalAtMs === null || block.finalAtMs === block.seenAtMs ? [] : [block.finalAtMs - block.seenAtMs],
  );
  const average = (values: number[]) =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  const [pace, finality] = [average(between.slice(-20)), average(settled.slice(-20))];
  const tallest = Math.max(...between, 1);
  return (
    <Card
      title="Blocks"
      side={
        final ? (
          <>
            final up to <span className="number">{count(final.number)}</span>
          </>
        ) : undefined
      }
      note="Each bar is a block, higher where it took longer. Filled ones are final: they cannot be undone any more."
    >
      {blocks.length === 0 ? (
        <Loading what="blocks" lines={2} />
      ) : (
        <>
          <div
            className="ribbon"
            role="img"
            aria-label={`The last ${blocks.length} blocks, ${blocks.filter((block) => block.finalAtMs !== null).length} of them final`}
          >
            {blocks.map((block, place) => {
              const gap = place === 0 ? tallest / 2 : block.seenAtMs - blocks[place - 1]!.seenAtMs;
              return (
                <i
                  key={block.number}
                  className={block.finalAtMs !== null ? "final" : undefined}
                  title={`Block ${count(block.number)}`}
                  style={{ height: `${20 + 80 * Math.min(1, Math.max(0, gap) / tallest)}%` }}
                />
              );
            })}
          </div>
          <Figures small>
            <Figure label="A block every" value={pace === null ? "–" : decimal(pace / 1000, 2)} unit="s" />
            <Figure
              label="Final after"
              value={finality === null ? "–" : decimal(finality / 1000, 2)}
              unit="s"
              note="as seen from here"
            />
            <Figure label="Newest block" value={blocks.length > 0 ? count(blocks.at(-1)!.number) : "–"} />
          </Figures>
        </>
      )}
    </Card>
  );
}

function Happenings() {
  const happenings = useShared((state) => state.happenings);
  const final = useShared((state) => state.final);
  return (
    <Card title="What happens" note="Events of final blocks since you opened this page." flush>
      {happenings.length === 0 ? (
        <Empty icon="overview" title="Quiet so far">
          <p>Deploy a program or send it a command, and it shows here.</p>
        </Empty>
      ) : (
        <ul
          className="list"
          style={{ maxHeight: 264, overflowY: "auto" }}
          tabIndex={0}
          aria-label="Events, newest first"
        >
          {happenings.map((one) => (
            <li key={`${one.block}/${one.index}`}>
              <span>{one.link ? <a href={one.link}>{one.text}</a> : one.text}</span>
              <span className="faint small nowrap number">
                {final ? `${count(Math.max(0, final.number - one.block))} blocks ago` : count(one.block)}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Clusters({ clusters }: { clusters: Cluster[] }) {
  const block = useShared((state) => state.final?.number ?? 0);
  const blockMs = useShared((state) => state.snapshot?.economy?.slotMs ?? null);
  return (
    <Card
      title="Clusters"
      note="Workers of a cluster run the same commands in the same order and compare what comes out."
      flush
    >
      {clusters.length === 0 ? (
        <Empty icon="worker" title="There is no cluster yet">
          <p>The network's governance makes the first one once there are workers.</p>
        </Empty>
      ) : (
        <Table
          caption="Clusters"
          rows={clusters}
          keyOf={(cluster) => cluster.id}
          columns={[
            { label: "Cluster", name: "Cluster", cell: (cluster) => <strong>{clusterName(cluster.id)}</strong> },
            { label: "Workers", name: "Workers", end: true, cell: (cluster) => count(cluster.workers.length) },
            { label: "Contracts", name: "Contracts", end: true, cell: (cluster) => count(cluster.contracts.length) },
            {
              label: (
                <Term means="Uploads, commands and the like, numbered: what the cluster's workers run.">Mailbox</Term>
              ),
              name: "Mailbox",
              end: true,
              cell: (cluster) => `${cluster.inboxNext} entries`,
            },
            {
              label: (
                <Term means="What more than half of the workers reported alike. Who reports something else is suspended.">
                  Agreement
                </Term>
              ),
              name: "Agreement",
              cell: (cluster) => <Agreement cluster={cluster} block={block} blockMs={blockMs} />,
            },
            { label: "Open to", name: "Open to", cell: (cluster) => (cluster.isPublic ? "everybody" : "its owner") },
            { label: "Owner", name: "Owner", cell: (cluster) => <Key of={cluster.owner} what="the owner" /> },
          ]}
        />
      )}
    </Card>
  );
}

function Agreement({ cluster, block, blockMs }: { cluster: Cluster; block: number; blockMs: number | null }) {
  if (!cluster.agreed) return <Badge>not yet</Badge>;
  const waiting = cluster.inboxNext - cluster.agreed.nextNumber;
  if (waiting <= 0n) return <Badge tone="good">on all entries</Badge>;
  const since = Math.max(0, block - cluster.agreed.agreedAt);
  return (
    <Badge>{`up to ${cluster.agreed.nextNumber}, ${blockMs ? span(since * blockMs) : `${count(since)} blocks`} ago`}</Badge>
  );
}
