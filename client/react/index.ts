'use client';

export { useChatState } from './use-chat-state.ts';
export { type MidturnView, useMidturn } from './use-midturn.ts';
export { type UseMidturnOptions, useMidturnChat } from './use-midturn-chat.ts';
export { useQuestions } from './use-questions.ts';
export { type Store, useStore } from './use-store.ts';
export { type Upload, type UploadsView, type UseUploadsOptions, useUploads } from './use-uploads.ts';
