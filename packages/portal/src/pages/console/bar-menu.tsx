import { Divider, Dropdown, DropdownGroup, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import CheckIcon from '@patternfly/react-icons/dist/esm/icons/check-icon';
import { Fragment, useState, type ComponentType, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { BarItem } from './bar-entry';

interface BarMenuProps {
  readonly label: string;
  readonly icon: ComponentType;
  readonly isIconOnly?: boolean;
  readonly groups: readonly { readonly key: string; readonly label: string | null; readonly items: readonly BarItem[]; readonly note?: string | undefined }[];
  /** After something was chosen that asks nothing more: the keys go to the machine again. */
  readonly onDone: () => void;
}

/** A menu of the bar, in groups. */
export function BarMenu({ label, icon: Icon, isIconOnly = false, groups, onDone }: BarMenuProps): ReactNode {
  const { t } = useTranslation('console');
  const [isOpen, setOpen] = useState(false);
  const choose = (item: BarItem): void => {
    setOpen(false);
    item.act();
    if (item.isAsking !== true) onDone();
  };
  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setOpen}
      isScrollable
      maxMenuHeight="calc(100dvh - 4rem)"
      popperProps={{ position: 'right', preventOverflow: true, appendTo: 'inline' }}
      toggle={(ref) => (
        <MenuToggle ref={ref} size="sm" isExpanded={isOpen} onClick={() => setOpen(!isOpen)} variant={isIconOnly ? 'plain' : 'plainText'} icon={isIconOnly ? undefined : <Icon />} aria-label={isIconOnly ? label : undefined}>
          {isIconOnly ? <Icon /> : label}
        </MenuToggle>
      )}
    >
      {groups.map(({ key, label: title, items, note }, index) => (
        <Fragment key={key}>
          {index > 0 && <Divider />}
          <DropdownGroup {...(title === null ? {} : { label: title })}>
            <DropdownList>
              {items.map((item) => (
                <DropdownItem key={item.key} isDisabled={item.isDisabled === true} description={item.description} icon={item.isChosen === undefined ? undefined : <span className="pv-console-check">{item.isChosen && <CheckIcon />}</span>} onClick={() => choose(item)}>
                  {item.label}
                  {item.isChosen === true && <span className="pf-v6-screen-reader">{` ${t('chosen')}`}</span>}
                </DropdownItem>
              ))}
            </DropdownList>
          </DropdownGroup>
          {note !== undefined && <p className="pv-console-note">{note}</p>}
        </Fragment>
      ))}
    </Dropdown>
  );
}
