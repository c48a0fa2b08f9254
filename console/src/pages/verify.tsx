// Checking a receipt: each link of the chain from the network's first block to the answer, in this browser.

import { useState } from "react";
import { checkReceipt, LINK_ORDER, LINKS, RECEIPT_BYTES_MAX, type Verdict } from "../api/receipts";
import type { Hex } from "../api/model";
import { count } from "../ui/format";
import { Icon } from "../ui/icons";
import { Button, Card, Failure, FileDrop, Notice, Page } from "../ui/kit";

interface Checked {
  name: string;
  bytes: Uint8Array;
  verdict: Verdict;
}

export function VerifyPage({ genesis }: { genesis: Hex | null }) {
  const [checked, setChecked] = useState<Checked | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [logged, setLogged] = useState(false);
  const check = async (name: string, bytes: Uint8Array, needLog: boolean) => {
    setBusy(true);
    setError(null);
    try {
      setChecked({ name, bytes, verdict: await checkReceipt(bytes, genesis, needLog) });
    } catch (wrong) {
      setError(wrong);
      setChecked(null);
    }
    setBusy(false);
  };
  const open = async (file: File) => {
    if (file.size > RECEIPT_BYTES_MAX) {
      setError(new Error("the file is larger than a receipt can be (16 MiB)"));
      return setChecked(null);
    }
    await check(file.name, new Uint8Array(await file.arrayBuffer()), logged);
  };
  return (
    <Page
      title="Verify a receipt"
      lead="A receipt shows that an attested program on this network gave that answer to that question. The check runs in your browser: nothing is sent anywhere."
    >
      {checked ? (
        <Result checked={checked} pinned={genesis !== null} another={() => setChecked(null)} />
      ) : (
        <FileDrop
          title="Drop a receipt file"
          note="Whoever asked with a receipt can save one; phat query --receipt makes one too."
          accept=".json,application/json"
          onFile={(file) => void open(file)}
        />
      )}
      <label className="check">
        <input
          type="checkbox"
          checked={logged}
          onChange={(event) => {
            setLogged(event.target.checked);
            if (checked) void check(checked.name, checked.bytes, event.target.checked);
          }}
        />
        <span>
          It must stand in the worker’s public log{" "}
          <span className="faint small">
            shows that it was not made up later; a receipt gets there some blocks after the answer
          </span>
        </span>
      </label>
      {busy && (
        <p role="status" className="quiet row">
          <span className="dot live good" />
          Checking…
        </p>
      )}
      {error !== null && <Failure error={error} what="The file could not be checked" />}
      {!checked && <Explanation />}
    </Page>
  );
}

function Result({
  checked: { name, bytes, verdict },
  pinned,
  another,
}: {
  checked: Checked;
  pinned: boolean;
  another: () => void;
}) {
  const found = new Map(verdict.links.map((link) => [link.name, link.finding]));
  const order = LINK_ORDER.filter(
    (link) => found.has(link) || link === verdict.failed || verdict.unchecked?.includes(link),
  );
  return (
    <>
      <Notice
        tone={verdict.holds ? "good" : "bad"}
        title={verdict.holds ? "The receipt holds" : "The receipt does not hold"}
        live
      >
        {verdict.holds ? (
          <p>
            All {count(verdict.links.length)} links of the chain hold, from the network’s first block to this answer.
          </p>
        ) : (
          <p>
            {LINKS[verdict.failed ?? ""] ? `It breaks at “${LINKS[verdict.failed ?? ""]!.title}”` : "It breaks"}:{" "}
            {verdict.reason}. Do not rely on the answer.
          </p>
        )}
      </Notice>
      {verdict.warning && (
        <Notice tone="warn" title="Know this beside">
          {verdict.warning}
        </Notice>
      )}
      {verdict.holds && !pinned && (
        <Notice tone="warn" title="Which network it is was taken from the file">
          Connect to the network that you mean, and check again: only then does the link “network” say something.
        </Notice>
      )}
      <Card title={name} side={`${count(Math.ceil(bytes.length / 1024))} KiB`}>
        <ol className="chain">
          {order.map((link) => {
            const state = found.has(link) ? "holds" : link === verdict.failed ? "fails" : "open";
            const words = LINKS[link] ?? { title: link, says: "" };
            return (
              <li key={link} className={state}>
                <span className="mark">
                  <Icon name={state === "holds" ? "check" : state === "fails" ? "cross" : "minus"} />
                </span>
                <div className="text">
                  <strong>
                    {words.title}{" "}
                    <span className="visually-hidden">
                      : {state === "holds" ? "holds" : state === "fails" ? "does not hold" : "not looked at"}
                    </span>
                  </strong>
                  <span className="small quiet">
                    {state === "open" ? "Not looked at: an earlier link does not hold." : words.says}
                  </span>
                  {state === "holds" && <span className="small faint">{found.get(link)}</span>}
                  {state === "fails" && (
                    <span className="small" style={{ color: "var(--bad)" }}>
                      {verdict.reason}
                    </span>
                  )}
                </div>
              </li>
            );
          })}
        </ol>
      </Card>
      <div className="row">
        <Button onClick={another}>Check another file</Button>
      </div>
    </>
  );
}

function Explanation() {
  return (
    <Card
      title="What is checked"
      note="Each link leans on the one before it. If one breaks, the answer proves nothing."
    >
      <ol className="chain">
        {LINK_ORDER.map((link) => (
          <li key={link}>
            <span className="mark">
              <Icon name="link" />
            </span>
            <div className="text">
              <strong>{LINKS[link]!.title}</strong>
              <span className="small quiet">{LINKS[link]!.says}</span>
            </div>
          </li>
        ))}
      </ol>
    </Card>
  );
}
