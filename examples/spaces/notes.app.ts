/**
 * Notes: the smallest app that shows what a space is. Nothing in it says which space it works for: a space is what the
 * runtime runs it in.
 *
 * Keys of the main view: `note:<id>` to the note's text.
 */

import { defineApp, reject } from 'ramax';
import { type Page, pageOf } from '../demo/page.js';

export default defineApp({
  name: 'notes',
  commands: {
    write(_pstate, { id, text }: { id: string; text: string }) {
      if (text === '') return reject('empty_note', { id });
      return [{ entityId: `note:${id}`, type: 'note.written', payload: { id, text } }];
    },
    erase(pstate, { id }: { id: string }) {
      if (!pstate.has(`note:${id}`)) return reject('note_unknown', { id });
      return [{ entityId: `note:${id}`, type: 'note.erased', payload: { id } }];
    },
  },
  projections: {
    'note.written'(pstate, { payload: { id, text } }) {
      pstate.put(`note:${id}`, text);
    },
    'note.erased'(pstate, { payload: { id } }) {
      pstate.delete(`note:${id}`);
    },
  },
  views: {
    /** A note's id to how often it was written, also after it is gone. */
    writings: {
      version: 1,
      on: {
        'note.written'(view, { payload: { id } }) {
          view.update<number>(id, (times = 0) => times + 1);
        },
      },
    },
  },
  queries: {
    noteCount: (pstate) => [...pstate.entries({ prefix: 'note:' })].length,
    page: (pstate, { view, ...place }: Page<'main' | 'writings'>, { views }) => {
      return pageOf(view === 'main' ? pstate : views[view], place);
    },
  },
});
