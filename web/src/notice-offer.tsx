/** Asks whether the reader wants to be told when this answer ends. */
export function NoticeOffer({ choose }: { choose: (wants: boolean) => void }) {
  return (
    <div className="notice-offer">
      <p>This answer takes a while. Tell you when it ends, if you look elsewhere?</p>
      <button type="button" className="link" onClick={() => choose(true)}>
        Yes
      </button>
      <button type="button" className="link" onClick={() => choose(false)}>
        No
      </button>
    </div>
  );
}
