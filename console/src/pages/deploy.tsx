// From a `.contract` file to a running program: read it, fill in its constructor, deploy.

import type { ContractFile } from "@phat/client";
import { useState } from "react";
import { readContractFile, rememberFile } from "../api/contract-files";
import { useShared, useStore } from "../api/hooks";
import type { Cluster, Hex } from "../api/model";
import { ArgumentsForm } from "../forms/arguments-form";
import { docsOf } from "../forms/docs";
import { amount, clusterName, count } from "../ui/format";
import { Button, Card, Empty, Facts, Failure, Field, FileDrop, Key, Loading, Notice, Page } from "../ui/kit";
import { NeedsAccount } from "../ui/signing";

export function DeployPage() {
  const snapshot = useShared((state) => state.snapshot);
  const [loaded, setLoaded] = useState<{ json: string; file: ContractFile } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const open = async (file: File) => {
    try {
      setLoaded(await readContractFile(file));
      setError(null);
    } catch (wrong) {
      setError(wrong);
    }
  };
  return (
    <Page
      title="Deploy a program"
      lead="A .contract file holds the program and a description of what it can be asked. Every worker of the cluster runs a copy of it."
    >
      {error !== null && <Failure error={error} what="This is no .contract file that can be used" />}
      {!loaded ? (
        <>
          <FileDrop
            title="Drop a .contract file"
            note="phat build makes one. It stays in your browser until you deploy it."
            accept=".contract,.json,application/json"
            onFile={(file) => void open(file)}
          />
          <Card title="You have none yet?">
            <p className="quiet">
              In a terminal: <code>phat new hello</code> makes a program with tests, <code>phat build hello</code> makes
              its <code>.contract</code> file.
            </p>
          </Card>
        </>
      ) : (
        <>
          <Read file={loaded.file} another={() => setLoaded(null)} />
          {!snapshot ? (
            <div className="card">
              <Loading what="the clusters" />
            </div>
          ) : snapshot.clusters.length === 0 ? (
            <div className="card">
              <Empty icon="worker" title="There is no cluster to deploy to" />
            </div>
          ) : !loaded.file.code ? (
            <Notice tone="bad" title="The file has no program in it">
              It holds the description alone. Use the .contract file, not the metadata.
            </Notice>
          ) : (
            <Form json={loaded.json} file={loaded.file} clusters={snapshot.clusters} />
          )}
        </>
      )}
    </Page>
  );
}

function Read({ file, another }: { file: ContractFile; another: () => void }) {
  return (
    <Card
      title={file.name}
      side={
        <Button kind="plain" size="small" onClick={another}>
          Use another file
        </Button>
      }
    >
      <Facts
        rows={[
          ["Version", file.version],
          ["Program’s hash", <Key of={file.codeHash} what="the program's hash" whole />],
          ...(file.code ? [["Size", `${count(Math.ceil(file.code.length / 1024))} KiB`] as [string, string]] : []),
          [
            "Can be asked",
            `${count(file.messages.length)} messages, ${count(file.messages.filter((message) => message.mutates).length)} of them change something`,
          ],
        ]}
      />
    </Card>
  );
}

function Form({ json, file, clusters }: { json: string; file: ContractFile; clusters: Cluster[] }) {
  const store = useStore();
  const { symbol, decimals, genesis, development } = store.backend.identity;
  const [cluster, setCluster] = useState<Hex>(clusters[0]!.id);
  const [label, setLabel] = useState(
    (file.constructors.find((one) => one.default) ?? file.constructors[0])?.label ?? "",
  );
  const [step, setStep] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [made, setMade] = useState<Hex | null>(null);
  const constructor = file.constructors.find((one) => one.label === label);
  const chosen = clusters.find((one) => one.id === cluster) ?? clusters[0]!;
  if (!constructor)
    return (
      <Notice tone="bad" title="The file has no constructor">
        A program without one cannot be deployed.
      </Notice>
    );
  return (
    <Card title="How it starts" note="What you type here goes on chain in the open: constructors are not sealed.">
      <Field
        label="Cluster"
        hint={`${count(chosen.workers.length)} workers${chosen.isPublic ? "" : ", for its owner alone"}. ${prices(chosen, decimals, symbol)}`}
      >
        {({ id, describedBy }) => (
          <select
            id={id}
            className="input"
            aria-describedby={describedBy}
            value={cluster}
            onChange={(event) => setCluster(event.target.value as Hex)}
          >
            {clusters.map((one) => (
              <option key={one.id} value={one.id}>
                {clusterName(one.id)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {file.constructors.length > 1 && (
        <Field label="Constructor">
          {({ id }) => (
            <select id={id} className="input" value={label} onChange={(event) => setLabel(event.target.value)}>
              {file.constructors.map((one) => (
                <option key={one.label} value={one.label}>
                  {one.label}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      {constructor.docs.length > 0 && <p className="quiet small">{docsOf(constructor.docs)}</p>}
      <NeedsAccount what="deploy">
        {({ account }) => (
          <ArgumentsForm
            key={label}
            message={constructor}
            action={`Deploy ${file.name}`}
            busy={step !== null}
            disabled={made !== null}
            onArguments={(args) => {
              setStep("Signing");
              setError(null);
              store.backend.contracts
                .deploy({ file, constructor: label, args, cluster, account, progress: setStep })
                .then(
                  ({ id }) => {
                    rememberFile(genesis, id, json);
                    setMade(id);
                    setStep(null);
                    void store.refresh();
                  },
                  (wrong: unknown) => {
                    setError(wrong);
                    setStep(null);
                  },
                );
            }}
          />
        )}
      </NeedsAccount>
      {step !== null && (
        <p role="status" className="quiet row">
          <span className="dot live good" />
          {step}…
        </p>
      )}
      {error !== null && <Failure error={error} what="It was not deployed" />}
      {made && (
        <Notice tone="good" title={`${file.name} runs`} live>
          <p>
            <a href={`#/contracts/${made}`}>Open it</a> to ask it and to send it commands.
          </p>
          {development && <p className="small">This is a development network: use data that may be seen.</p>}
        </Notice>
      )}
    </Card>
  );
}

function prices(cluster: Cluster, decimals: number, symbol: string): string {
  if (cluster.gasPrice === 0n && cluster.depositPerItem === 0n && cluster.depositPerByte === 0n)
    return "Commands cost nothing inside it.";
  return `Inside it: ${amount(cluster.gasPrice * 1_000_000_000n, decimals, 6)} ${symbol} for a billion gas, ${amount(cluster.depositPerItem, decimals, 6)} ${symbol} for an item kept, ${amount(cluster.depositPerByte, decimals, 6)} ${symbol} for a byte.`;
}
