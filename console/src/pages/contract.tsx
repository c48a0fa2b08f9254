// One contract: ask it, send it commands, read its log, stake to it.

import type { ContractFile, Message } from "@phat/client";
import { useMemo, useState } from "react";
import type { Answered, Commanded, LogLine } from "../api/contracts";
import { readContractFile, rememberedFile, rememberFile } from "../api/contract-files";
import { useBackend, useLoaded, useSending, useShared, useStore } from "../api/hooks";
import { shareOfProcessor, weightOf } from "../api/stake-math";
import type { Contract, Hex, Snapshot } from "../api/model";
import { ArgumentsForm } from "../forms/arguments-form";
import { answerShape, docsOf } from "../forms/docs";
import { typeWords } from "../forms/value-input";
import { ValueView } from "../forms/value-view";
import { amount, clusterName, count, parseAmount, percent } from "../ui/format";
import {
  Badge,
  Button,
  Card,
  Empty,
  Facts,
  Failure,
  Figure,
  Figures,
  FileDrop,
  Key,
  Loading,
  Notice,
  Page,
  Segmented,
  Term,
  TextField,
  hexKey,
} from "../ui/kit";
import { Fee, NeedsAccount, SendingState } from "../ui/signing";

const LOG_LINES = 100;

export function ContractPage({ id }: { id: string }) {
  const snapshot = useShared((state) => state.snapshot);
  const error = useShared((state) => state.snapshotError);
  const crumbs = (
    <>
      <a href="#/contracts">Contracts</a> / this one
    </>
  );
  if (!snapshot) {
    return (
      <Page title="Contract" crumbs={crumbs}>
        {error !== null ? (
          <Failure error={error} what="The network could not be read" />
        ) : (
          <div className="card">
            <Loading what="the contract" lines={6} />
          </div>
        )}
      </Page>
    );
  }
  const contract = snapshot.contracts.find((one) => one.id === id);
  if (!contract) {
    return (
      <Page title="Contract" crumbs={crumbs}>
        <div className="card">
          <Empty icon="contract" title={hexKey(id) ? "No such contract on this network" : "That is no contract’s id"}>
            <p>
              {hexKey(id)
                ? "It may be of another network, or its making has failed."
                : "An id is 0x and 64 hexadecimal digits."}{" "}
              <a href="#/contracts">See all contracts</a>.
            </p>
          </Empty>
        </div>
      </Page>
    );
  }
  return <Known contract={contract} snapshot={snapshot} crumbs={crumbs} />;
}

type Part = "ask" | "log" | "stake";

function Known({ contract, snapshot, crumbs }: { contract: Contract; snapshot: Snapshot; crumbs: React.ReactNode }) {
  const { genesis, symbol, decimals } = useBackend().identity;
  const [part, setPart] = useState<Part>("ask");
  const [file, setFile] = useState(() => rememberedFile(genesis, contract.id));
  const others = snapshot.contracts.filter((one) => one.cluster === contract.cluster);
  const share = shareOfProcessor(contract.id, others);
  return (
    <Page
      title={
        <span className="row">
          {file?.name ?? "Contract"}{" "}
          {contract.ready ? <Badge tone="good">ready</Badge> : <Badge tone="warn">being made</Badge>}
        </span>
      }
      crumbs={crumbs}
      lead={<Key of={contract.id} what="the contract's id" whole />}
    >
      {!contract.ready && (
        <Notice tone="warn" title="Its workers have not told its key yet">
          That takes a few blocks. If it lasts, its constructor has failed: deploy it again with other arguments.
        </Notice>
      )}
      <Figures>
        <Figure
          label="Lives in"
          value={clusterName(contract.cluster)}
          note={`${count(snapshot.clusters.find((one) => one.id === contract.cluster)?.workers.length ?? 0)} workers run it`}
        />
        <Figure label="Deployed by" value={<Key of={contract.deployer} what="the deployer" />} />
        <Figure
          label="Staked to it"
          value={amount(contract.stake, decimals, 2)}
          unit={symbol}
          note={`weight ${count(weightOf(contract.stake, decimals))}`}
        />
        <Figure
          label={
            <Term means="What it gets of each worker’s processor when all contracts of its cluster compute at once. While others rest it gets more.">
              Share of the processor
            </Term>
          }
          value={percent(share)}
          note={`beside ${count(others.length - 1)} other${others.length === 2 ? "" : "s"}`}
        />
      </Figures>
      <Segmented<Part>
        label="What to do"
        value={part}
        onChange={setPart}
        choices={[
          { value: "ask", text: "Ask and command" },
          { value: "log", text: "Log" },
          { value: "stake", text: "Stake" },
        ]}
      />
      {part === "stake" ? (
        <Stake contract={contract} others={others} />
      ) : !file ? (
        <NeedsFile contract={contract.id} onFile={setFile} />
      ) : part === "ask" ? (
        <Messages contract={contract.id} file={file} />
      ) : (
        <Log contract={contract} file={file} />
      )}
    </Page>
  );
}

/** The chain keeps the program, not the description of what it can be asked: that is in the file. */
function NeedsFile({ contract, onFile }: { contract: Hex; onFile: (file: ContractFile) => void }) {
  const { genesis } = useBackend().identity;
  const [error, setError] = useState<unknown>(null);
  return (
    <div className="stack">
      <FileDrop
        title="Drop its .contract file"
        note="It says what the contract can be asked. The chain does not keep that; this browser remembers it once it has seen it."
        accept=".contract,.json,application/json"
        onFile={(dropped) => {
          readContractFile(dropped).then(({ json, file }) => {
            rememberFile(genesis, contract, json);
            onFile(file);
          }, setError);
        }}
      />
      {error !== null && <Failure error={error} what="The file could not be used" />}
    </div>
  );
}

function Messages({ contract, file }: { contract: Hex; file: ContractFile }) {
  const [label, setLabel] = useState(
    (file.messages.find((message) => !message.mutates) ?? file.messages[0])?.label ?? "",
  );
  const message = file.messages.find((one) => one.label === label);
  const [asks, commands] = [file.messages.filter((one) => !one.mutates), file.messages.filter((one) => one.mutates)];
  const choice = (one: Message) => (
    <button
      key={one.label}
      type="button"
      className="choice"
      aria-pressed={one.label === label}
      onClick={() => setLabel(one.label)}
    >
      <span>
        <code>{one.label}</code>
        {docsOf(one.docs) !== "" && <small style={{ whiteSpace: "normal" }}>{docsOf(one.docs)}</small>}
      </span>
    </button>
  );
  return (
    <div
      className="grid"
      style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 300px), 1fr))", alignItems: "start" }}
    >
      <Card title="What it can be asked">
        {asks.length > 0 && (
          <div className="stack" style={{ gap: 7 }}>
            <h3>Questions</h3>
            <p className="small quiet">Answered at once by one worker. They change nothing and cost nothing.</p>
            {asks.map(choice)}
          </div>
        )}
        {commands.length > 0 && (
          <div className="stack" style={{ gap: 7 }}>
            <h3>Commands</h3>
            <p className="small quiet">
              Sealed, put on chain, and run by all of its workers in one order. They need an account.
            </p>
            {commands.map(choice)}
          </div>
        )}
        {file.messages.length === 0 && <Empty icon="contract" title="Nothing" />}
      </Card>
      {message && <Ask key={label} contract={contract} file={file} message={message} />}
    </div>
  );
}

type Outcome = { kind: "answer"; answer: Answered } | { kind: "done"; done: Commanded };

function Ask({ contract, file, message }: { contract: Hex; file: ContractFile; message: Message }) {
  const store = useStore();
  const signedIn = useShared((state) => state.signedIn);
  const [receipt, setReceipt] = useState(false);
  const [asMe, setAsMe] = useState(true);
  const [mode, setMode] = useState<"command" | "try">("command");
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const isCommand = message.mutates && mode === "command";
  const answers = message.returns ? answerShape(message.returns) : null;
  const run = async (args: unknown[]) => {
    setBusy(isCommand ? "Signing" : "Asking");
    setError(null);
    setOutcome(null);
    try {
      const { contracts } = store.backend;
      if (isCommand && signedIn) {
        const done = await contracts.call(contract, file, message.label, args, {
          account: signedIn.account,
          progress: setBusy,
        });
        setOutcome({ kind: "done", done });
      } else {
        const account = asMe && signedIn ? signedIn.account : null;
        setOutcome({
          kind: "answer",
          answer: await contracts.query(contract, file, message.label, args, { account, receipt }),
        });
      }
    } catch (wrong) {
      setError(wrong);
    }
    setBusy(null);
  };
  const form = (
    <ArgumentsForm
      message={message}
      busy={busy !== null}
      action={isCommand ? "Send the command" : "Ask"}
      onArguments={(args) => void run(args)}
      extra={
        !isCommand && (
          <div className="stack" style={{ gap: 7 }}>
            {signedIn && (
              <label className="check">
                <input type="checkbox" checked={asMe} onChange={(event) => setAsMe(event.target.checked)} />
                <span>
                  Ask as {signedIn.account.name ?? "me"}{" "}
                  <span className="faint small">some contracts answer only those they know</span>
                </span>
              </label>
            )}
            <label className="check">
              <input type="checkbox" checked={receipt} onChange={(event) => setReceipt(event.target.checked)} />
              <span>
                With a receipt <span className="faint small">a file by which anybody can check the answer later</span>
              </span>
            </label>
          </div>
        )
      }
    />
  );
  return (
    <Card
      title={<code>{message.label}</code>}
      side={
        answers ? (
          <span>
            answers <code>{answers.name}</code>, {typeWords(answers)}
          </span>
        ) : undefined
      }
    >
      {docsOf(message.docs) !== "" && <p className="quiet">{docsOf(message.docs)}</p>}
      {message.mutates && (
        <Segmented
          label="How"
          value={mode}
          onChange={setMode}
          choices={[
            { value: "command", text: "Send for real" },
            { value: "try", text: "Try without effect" },
          ]}
        />
      )}
      {isCommand ? <NeedsAccount what="send commands">{() => form}</NeedsAccount> : form}
      {busy !== null && (
        <p role="status" className="quiet row">
          <span className="dot live good" />
          {busy}…
        </p>
      )}
      {error !== null && (
        <Failure error={error} what={isCommand ? "The command had no effect" : "There is no answer"} />
      )}
      {outcome && <Shown outcome={outcome} name={`${file.name}-${message.label}`} />}
    </Card>
  );
}

function Shown({ outcome, name }: { outcome: Outcome; name: string }) {
  const value = outcome.kind === "answer" ? outcome.answer.value : outcome.done.value;
  return (
    <div className="stack" role="status" aria-label="Result">
      <h3>{outcome.kind === "answer" ? "Answer" : "Done"}</h3>
      <div className="result">
        <ValueView value={value} />
      </div>
      <p className="small quiet">
        {outcome.kind === "answer" ? (
          <>
            From worker <Key of={outcome.answer.worker} what="the worker" href={`#/workers/${outcome.answer.worker}`} />
            , as of block <span className="number">{count(outcome.answer.block)}</span>
          </>
        ) : (
          <>
            Entry {String(outcome.done.number)} of the cluster, run at block{" "}
            <span className="number">{count(outcome.done.block)}</span>
          </>
        )}
        {gasOf(outcome)}
      </p>
      {outcome.kind === "answer" && outcome.answer.receiptFile && (
        <Receipt make={outcome.answer.receiptFile} name={name} />
      )}
    </div>
  );
}

function gasOf(outcome: Outcome): string {
  const gas = outcome.kind === "answer" ? outcome.answer.gas : outcome.done.gas;
  return gas === null ? "" : `, ${count(gas)} gas`;
}

function Receipt({ make, name }: { make: () => Promise<Uint8Array>; name: string }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      const bytes = await make();
      const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: "application/json" }));
      const link = document.createElement("a");
      link.href = url;
      link.download = `${name.replace(/[^\w-]+/g, "-")}.receipt.json`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (wrong) {
      setError(wrong);
    }
    setBusy(false);
  };
  return (
    <div className="stack">
      <div className="row">
        <Button onClick={() => void save()} busy={busy}>
          Save the receipt
        </Button>
        <span className="small quiet">
          Check it on the <a href="#/verify">Verify</a> page, or hand it to somebody who does.
        </span>
      </div>
      {error !== null && <Failure error={error} what="The receipt could not be made" />}
    </div>
  );
}

function Log({ contract, file }: { contract: Contract; file: ContractFile }) {
  return (
    <Card
      title="Log"
      note="What the contract wrote, as one worker has it. The worker gives it to the contract’s owner alone, sealed."
    >
      <NeedsAccount what="read the log">
        {({ account }) =>
          account.address === contract.deployer ? (
            <Lines key={account.address} contract={contract.id} file={file} />
          ) : (
            <Notice tone="quiet" title="Only its owner reads its log">
              That is <Key of={contract.deployer} what="the owner" />. Connect that account.
            </Notice>
          )
        }
      </NeedsAccount>
    </Card>
  );
}

function Lines({ contract, file }: { contract: Hex; file: ContractFile }) {
  const backend = useBackend();
  const account = useShared((state) => state.signedIn?.account);
  const log = useLoaded<LogLine[]>(`log ${contract}`, () =>
    account ? backend.contracts.logs(contract, file, account, LOG_LINES) : Promise.resolve([]),
  );
  if (log.error !== null && !log.value)
    return <Failure error={log.error} what="The log could not be read" retry={log.reload} />;
  if (!log.value) return <Loading what="the log" />;
  return (
    <div className="stack">
      <div>
        <Button size="small" onClick={log.reload}>
          Read again
        </Button>
      </div>
      {log.value.length === 0 ? (
        <Empty icon="file" title="It has written nothing here">
          <p>Each worker keeps the log of what it ran itself, in memory.</p>
        </Empty>
      ) : (
        <div className="log result" tabIndex={0} role="log" aria-label="Log of the contract">
          {log.value.map((line, place) => (
            <div key={place}>
              <span className="faint">{line.block === null ? "" : count(line.block)}</span>
              <span className={`level ${line.level}`}>{line.level}</span>
              <span>{line.text}</span>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

function Stake({ contract, others }: { contract: Contract; others: Contract[] }) {
  return (
    <Card
      title="Stake to it"
      note="More stake, more of its workers’ processors. The money stays on your account, held; set 0 and it is free again at once."
    >
      <NeedsAccount what="stake">
        {({ account }) => <StakeForm key={account.address} contract={contract} others={others} />}
      </NeedsAccount>
    </Card>
  );
}

function StakeForm({ contract, others }: { contract: Contract; others: Contract[] }) {
  const backend = useBackend();
  const { symbol, decimals } = backend.identity;
  const signedIn = useShared((state) => state.signedIn);
  const [text, setText] = useState("");
  const [checked, setChecked] = useState(false);
  const sending = useSending();
  const address = signedIn?.account.address ?? "";
  const own = useLoaded(`stake ${contract.id} ${address} ${contract.stake}`, () =>
    backend.contractStake(address, contract.id),
  );
  const money = useLoaded(`money ${address} ${contract.stake}`, () => backend.money(address));
  const parsed = parseAmount(text, decimals);
  const unit = 10n ** BigInt(decimals);
  const wrong =
    typeof parsed !== "bigint"
      ? parsed.wrong
      : // `chain/pallet-contract-stakes`: `StakeMin` of the runtime is 1 PHA.
        parsed > 0n && parsed < unit
        ? `At least 1 ${symbol}, or 0 to take it back.`
        : null;
  const estimate = useMemo(() => {
    if (wrong !== null || typeof parsed !== "bigint" || own.value === undefined) return null;
    const stake = contract.stake - own.value + parsed;
    return shareOfProcessor(
      contract.id,
      others.map((one) => (one.id === contract.id ? { ...one, stake } : one)),
    );
  }, [wrong, text, own.value, contract, others]);
  if (!signedIn) return null;
  const call =
    wrong === null && typeof parsed === "bigint"
      ? { pallet: "PhalaPhatTokenomic", call: "adjust_stake", arguments: { contract: contract.id, amount: parsed } }
      : null;
  const now = shareOfProcessor(contract.id, others);
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (call)
          void sending.send(call, signedIn.account).then((sent) => {
            if (sent) {
              setText("");
              setChecked(false);
              own.reload();
              money.reload();
            }
          });
      }}
    >
      <Facts
        rows={[
          ["Yours now", own.value === undefined ? "…" : `${amount(own.value, decimals, 4)} ${symbol}`],
          ["All stakers", `${amount(contract.stake, decimals, 4)} ${symbol}`],
          ["Free on your account", money.value ? `${amount(money.value.free, decimals, 2)} ${symbol}` : "…"],
        ]}
      />
      <div className="grid two" style={{ alignItems: "start" }}>
        <TextField
          label="Your stake, in all"
          value={text}
          onChange={(next) => {
            setText(next);
            setChecked(false);
          }}
          unit={symbol}
          inputMode="decimal"
          placeholder="100"
          wrong={checked ? wrong : null}
          hint="Not in addition: what you type replaces what you have staked."
        />
        <div className="result" role="status" aria-label="Estimate">
          <strong>{estimate === null ? percent(now) : percent(estimate)}</strong> of each worker’s processor
          <p className="small quiet">
            {estimate === null
              ? "What it gets today, when all contracts of the cluster compute at once."
              : `Instead of ${percent(now)} today, when all ${count(others.length)} contracts of the cluster compute at once. The cost is known: fees apart, every token comes back.`}
          </p>
        </div>
      </div>
      <div className="row">
        <Button kind="primary" type="submit" busy={sending.step !== null}>
          Set the stake
        </Button>
        {own.value !== undefined && own.value > 0n && <Button onClick={() => setText("0")}>Take it all back</Button>}
        <Fee call={call} signedIn={signedIn} />
      </div>
      <SendingState sending={sending} success="The stake is set" failure="The stake was not set" />
    </form>
  );
}
