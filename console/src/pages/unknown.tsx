import { Empty, Page } from "../ui/kit";

export function UnknownPage({ path }: { path: string }) {
  return (
    <Page title="There is no such page">
      <div className="card">
        <Empty icon="info" title={`Nothing is at “${path.slice(0, 80)}”`}>
          <p>
            The address may be cut short. <a href="#/">Go to the overview</a>.
          </p>
        </Empty>
      </div>
    </Page>
  );
}
