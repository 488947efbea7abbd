/**
 * What the server answers, as types. There is nothing here at run time.
 *
 * @typedef {{name: string, colour: string, on: string}} State
 * @typedef {{pid: number, name: string, title: string, from: number, to: number}} Process
 * @typedef {{lane: string, name: string, process: number, threads: number[]}} Kind
 * @typedef {{lane: string, tid: number, name: string, process: number, kind?: number, from: number,
 *     to: number, has_exited: boolean, is_hung?: boolean, waits: number, ns: number[]}} Thread
 * @typedef {{lane: string, name: string}} Cpu
 * @typedef {{lane: string, kind: string, address: string, name?: string, text: string, process: number,
 *     waits: number, ns: number, state: number}} Thing what was waited for
 *
 * @typedef {object} Overview
 * @property {{directory: string}[]} recordings
 * @property {number} length_ns
 * @property {{from: number, to: number}} [window] of which alone it tells
 * @property {{from: number, to: number}} lives
 * @property {string} epoch_ns
 * @property {string} begin_ns
 * @property {string} command
 * @property {number} [exit_status]
 * @property {boolean} has_kernel
 * @property {string[]} notes
 * @property {string[]} complaints
 * @property {State[]} states
 * @property {Process[]} processes
 * @property {Kind[]} kinds
 * @property {Thread[]} threads
 * @property {Cpu[]} cpus
 * @property {Thing[]} objects
 * @property {number} object_count
 *
 * @typedef {{rule: string, text: string, command: string, cost_ns: number, function: string,
 *     file: string, line: number, from_ns?: number | string, to_ns?: number | string, tids: number[],
 *     longest?: {tid: number, from_ns: number | string, to_ns: number | string, cost_ns: number | string},
 *     objects?: {pid: number, kind: string, address: string}[]}} Finding
 * @typedef {{function: string, file?: string, line?: number, module?: string, inlined?: boolean,
 *     omitted?: string, state?: number}} Frame what was called has a state
 * @typedef {{lane: string, at: number}} Ref
 * @typedef {{previous?: Ref, next?: Ref}} Neighbours
 *
 * @typedef {object} Interval
 * @property {string} lane
 * @property {number} state
 * @property {number} from
 * @property {number} to
 * @property {number} [wait_from]
 * @property {number} [wait_to]
 * @property {string} [op]
 * @property {string} [text]
 * @property {{text: string, lane?: string}} [object]
 * @property {Frame[]} [stack]
 * @property {number} [result]
 * @property {boolean} [is_open]
 * @property {boolean} [is_idle]
 * @property {number} [weight]
 * @property {string} [preempted_by]
 * @property {{lane: string, name: string, at: number, op?: string, stack?: Frame[]}} [waker]
 * @property {{from: number, to: number, lane?: string, name?: string, op?: string, stack?: Frame[],
 *     is_hand_off?: boolean}[]} [holders]
 * @property {number} [holder_count] where there are more than are told
 * @property {{at: number, lane: string, from: number, to: number}[]} [wakes]
 * @property {Ref} [previous]
 * @property {Ref} [next]
 * @property {Neighbours} [same_object]
 * @property {Neighbours} [same_place]
 *
 * @typedef {object} Area
 * @property {number} from
 * @property {number} to
 * @property {number[]} ns
 * @property {number[]} unseen_ns
 * @property {{lane: string, name: string, ns: number[], waits: number}[]} threads
 * @property {{lane?: string, text: string, ns: number, waits: number}[]} objects
 * @property {{op: string, state: number, ns: number, waits: number}[]} ops
 * @property {{function: string, file?: string, line?: number, ns: number, waits: number, op: string}[]} places
 * @property {{lane: string, from: number, to: number, state: number, text: string}[]} longest
 * @property {{least_ns: number[], waits: number[], ns: number[]}} histogram
 * @property {Flame} [flame]
 *
 * @typedef {{frames: Frame[], nodes: [number, number, number, number, number][]}} Flame
 * @typedef {{steps: {lane?: string, from: number, to: number}[]}} Path
 *
 * @typedef {{from: number, to: number}} Span
 */

export {};
