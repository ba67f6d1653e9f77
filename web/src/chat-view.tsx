import { type RefObject, useCallback, useEffect, useMemo } from 'react';
import { DEFAULT_CONTENT_BYTES } from '../../client/display.ts';
import { answerQuestion } from '../../client/elicitation.ts';
import { fileUrl } from '../../client/files.ts';
import { type Chat, type Content, textOf, type UserItem } from '../../client/index.ts';
import { useChatState, useQuestions } from '../../client/react/index.ts';
import { Announcer } from './announcer.tsx';
import type { AnswerActions } from './answer.tsx';
import { FileAddress } from './attached-file.tsx';
import { ConnectionBanner } from './banner.tsx';
import { Composer } from './composer.tsx';
import { isComposing } from './composing.ts';
import { Conversation } from './conversation.tsx';
import { NoticeOffer } from './notice-offer.tsx';
import { QuestionCard } from './question.tsx';
import { Refusals } from './refusals.tsx';
import { titleOf } from './sessions.ts';
import type { Theme } from './theme.ts';
import { TopBar } from './top-bar.tsx';
import { Trusts } from './trusts.tsx';
import { useAgentWish } from './use-agent-wish.ts';
import { useBranch } from './use-branch.ts';
import { useEndNotice } from './use-end-notice.ts';

export function ChatView({
  chat,
  title: listed,
  theme,
  cycleTheme,
  isCovered,
  menuButton,
  showsFrames,
  toggleFrames,
  openMenu,
  note,
  name,
  gone,
  openNew,
  openWith,
  takeFirstWords,
  origin,
  trouble,
  forgetTrouble,
  enterToken,
}: {
  chat: Chat;
  /** The session's title in the list, if it is listed. */
  title: string | undefined;
  theme: Theme;
  cycleTheme: () => void;
  /** Another element covers this view and has the keyboard. */
  isCovered: boolean;
  menuButton: RefObject<HTMLButtonElement | null>;
  showsFrames: boolean;
  toggleFrames: () => void;
  openMenu: () => void;
  note: (id: string, title: string) => void;
  /** Stores a name on the server, for all devices of the user. */
  name: (id: string, name: string) => void;
  /** The session was deleted. */
  gone: (id: string) => void;
  openNew: () => void;
  /** Shows a session, and says this there first. */
  openWith: (id: string, content: Content) => void;
  /** What is to be said first in this session: once. */
  takeFirstWords: (id: string) => Content | undefined;
  /** The session of which this one is a fork. */
  origin: string | undefined;
  /** An error that belongs to no message or answer. */
  trouble: string | undefined;
  forgetTrouble: () => void;
  enterToken: (token: string) => void;
}) {
  const state = useChatState(chat);
  const asked = useQuestions(chat);
  const questions = useMemo(() => asked.filter(({ resolved }) => !resolved), [asked]);
  const announced = useMemo(() => ({ ...state, questions }), [state, questions]);
  const agentWish = useAgentWish(chat, state);
  const { status } = state.connection;
  const title = listed || state.name || 'New conversation';
  const refused = useMemo(
    () =>
      state.items.filter(
        (item): item is UserItem => item.kind === 'user' && item.state.status === 'rejected',
      ),
    [state.items],
  );

  const address = useCallback((file: string) => fileUrl(chat, file), [chat]);
  const { branch, problem, forgetProblem } = useBranch(chat, openWith);
  useEffect(() => {
    const content = takeFirstWords(chat.sessionId);
    if (content !== undefined) chat.send(content);
  }, [chat, takeFirstWords]);
  const notice = useEndNotice(announced, title);
  const isAnswering = state.activeTurn !== undefined;
  const stop = useCallback(() => chat.abort(), [chat]);
  useEffect(() => {
    if (!isAnswering) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !isComposing(event)) stop();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [isAnswering, stop]);

  // A session that was opened by its link gets its first message as title.
  const first = state.history.more
    ? undefined
    : state.items.find((item): item is UserItem => item.kind === 'user')?.content;
  const noted = first === undefined ? undefined : titleOf(textOf(first)) || 'An image';
  const isUnnamed = status === 'online' && state.name === undefined;
  useEffect(() => {
    if (noted !== undefined) note(chat.sessionId, noted);
  }, [chat, noted, note]);
  useEffect(() => {
    // Stored on the server too, so that the user's other devices show the same title.
    if (noted !== undefined && isUnnamed) name(chat.sessionId, noted);
  }, [chat, noted, isUnnamed, name]);
  const isGone = status === 'closed';
  useEffect(() => {
    if (isGone) gone(chat.sessionId);
  }, [chat, isGone, gone]);
  useEffect(() => {
    document.title = title === 'New conversation' ? 'Midturn' : `${title} · Midturn`;
  }, [title]);

  const actions = useMemo(
    (): AnswerActions => ({
      withdraw: (id) => chat.cancel(id),
      dismiss: (id) => chat.dismiss(id),
      resend: (item) => {
        chat.dismiss(item.id);
        chat.send(item.content, { delivery: item.delivery });
      },
      approve: (requestId, decision) => chat.approve(requestId, decision),
      branch,
      askAgain: (turnId) => {
        const last = lastOf(chat, turnId);
        if (last) chat.send(last.content);
      },
      answerAgain: (turnId) => {
        const last = lastOf(chat, turnId);
        if (last) void branch(last.id, last.content);
      },
    }),
    [chat, branch],
  );

  return (
    <FileAddress value={address}>
      <main className="chat" inert={isCovered}>
        <TopBar
          title={title}
          agent={state.agent}
          status={status}
          showsFrames={showsFrames}
          theme={theme}
          openMenu={openMenu}
          menuButton={menuButton}
          toggleFrames={toggleFrames}
          toggleConnection={() => (status === 'offline' ? chat.connect() : chat.disconnect())}
          cycleTheme={cycleTheme}
        />
        <ConnectionBanner
          connection={state.connection}
          reconnect={() => chat.connect()}
          enterToken={enterToken}
          openNew={openNew}
        />
        <Conversation
          state={state}
          actions={actions}
          asks={
            questions.length > 0
              ? questions.map((question) => (
                  <QuestionCard
                    key={question.requestId}
                    question={question}
                    answer={(answer) => answerQuestion(chat, question.requestId, answer)}
                  />
                ))
              : undefined
          }
          loadEarlier={() => chat.history()}
          say={(content) => chat.send(content)}
          origin={origin}
          agentWish={agentWish}
        />
        <Trusts trusted={state.trusted} revoke={chat.revoke} />
        {notice.isOffered && <NoticeOffer choose={notice.choose} />}
        <Refusals refused={refused} actions={actions} />
        <Composer
          isAnswering={isAnswering}
          isStopping={state.activeTurn?.stopping === true}
          isClosed={status === 'closed'}
          contentBytes={state.limits?.content_bytes ?? DEFAULT_CONTENT_BYTES}
          chat={chat}
          fileBytes={state.limits?.file_bytes}
          trouble={trouble ?? problem}
          send={(content, delivery) => {
            forgetTrouble();
            forgetProblem();
            chat.send(content, { delivery });
          }}
          stop={stop}
        />
        <Announcer state={announced} />
      </main>
    </FileAddress>
  );
}

/** The message of the user that this turn applied last. */
const lastOf = (chat: Chat, turnId: string): UserItem | undefined =>
  chat.transcript
    .getSnapshot()
    .items.findLast(
      (item): item is UserItem =>
        item.kind === 'user' &&
        item.from === undefined &&
        item.state.status === 'applied' &&
        item.state.turnId === turnId,
    );
