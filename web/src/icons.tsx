import type { ReactNode } from 'react';

/** Line icons in the text's colour. Each is beside a label or in a labelled button, so screen readers skip it. */
function Icon({ children, size = 18 }: { children: ReactNode; size?: number }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 24 24"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const MenuIcon = () => (
  <Icon>
    <path d="M4 7h16M4 12h16M4 17h10" />
  </Icon>
);
export const ImageIcon = () => (
  <Icon>
    <rect x="3.5" y="5" width="17" height="14" rx="2" />
    <circle cx="8.5" cy="10" r="1.5" />
    <path d="m4.5 17.5 5-4.5 3.5 3 3-2.5 4 3.5" />
  </Icon>
);
export const PlusIcon = () => (
  <Icon>
    <path d="M12 5v14M5 12h14" />
  </Icon>
);
export const CloseIcon = ({ size }: { size?: number }) => (
  <Icon {...(size ? { size } : {})}>
    <path d="m6 6 12 12M18 6 6 18" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M20 14.2A8.2 8.2 0 0 1 9.8 4a8.2 8.2 0 1 0 10.2 10.2Z" />
  </Icon>
);
export const SystemIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M12 3.5v17a8.5 8.5 0 0 0 0-17Z" fill="currentColor" stroke="none" />
  </Icon>
);
export const MoreIcon = () => (
  <Icon>
    <path d="M5 12h.01M12 12h.01M19 12h.01" strokeWidth="2.6" />
  </Icon>
);
export const KeyboardIcon = () => (
  <Icon>
    <rect x="2.5" y="6" width="19" height="12" rx="2" />
    <path d="M6.5 10h.01M10 10h.01M14 10h.01M17.5 10h.01M8 14h8" />
  </Icon>
);
export const FramesIcon = () => (
  <Icon>
    <path d="m8 7-5 5 5 5M16 7l5 5-5 5M13.5 5l-3 14" />
  </Icon>
);
export const PlugIcon = () => (
  <Icon>
    <path d="M9 3v5M15 3v5M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0ZM12 17v4" />
  </Icon>
);
export const UnplugIcon = () => (
  <Icon>
    <path d="M9 3v5M15 3v5M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0ZM12 17v4M3 3l18 18" />
  </Icon>
);
export const SendIcon = () => (
  <Icon size={20}>
    <path d="M12 19V5M6 11l6-6 6 6" />
  </Icon>
);
export const StopIcon = () => (
  <Icon size={20}>
    <rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor" stroke="none" />
  </Icon>
);
export const ToolIcon = () => (
  <Icon size={15}>
    <path d="M14.5 6.5a4 4 0 0 0-5.3 4.9L4 16.6 7.4 20l5.2-5.2a4 4 0 0 0 4.9-5.3l-2.6 2.6-2.6-.7-.7-2.6Z" />
  </Icon>
);
export const SteerIcon = () => (
  <Icon size={15}>
    <path d="M6 4v6a5 5 0 0 0 5 5h8M15 11l4 4-4 4" />
  </Icon>
);
export const ChevronIcon = () => (
  <Icon size={13}>
    <path d="m9 5 7 7-7 7" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon size={15}>
    <rect x="8" y="8" width="12" height="12" rx="2.5" />
    <path d="M16 8V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h2" />
  </Icon>
);
export const AgainIcon = () => (
  <Icon>
    <path d="M5 12a7 7 0 1 1 2.2 5.1" />
    <path d="M4.5 19.5 5.4 16l3.6.8" />
  </Icon>
);
export const PencilIcon = () => (
  <Icon size={14}>
    <path d="M5 19l1-4L16.5 4.5l3 3L9 18l-4 1Z" />
  </Icon>
);
export const SaveIcon = () => (
  <Icon size={14}>
    <path d="M12 4v11m-4-4 4 4 4-4M5 20h14" />
  </Icon>
);
export const TrashIcon = () => (
  <Icon size={14}>
    <path d="M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13" />
  </Icon>
);
export const CheckIcon = () => (
  <Icon size={15}>
    <path d="m5 12.5 4.5 4.5L19 7.5" />
  </Icon>
);
