import type { Component } from '../component.ts'
import { k3s } from './k3s.ts'
import { machine } from './machine.ts'

/** Everything that bootstrap installs, in an order in which a person would; what needs what is said by each. */
export const components: readonly Component[] = [machine, k3s]
