import { killedAtFinish } from '../killed-at-finish.ts'

export const fault = killedAtFinish('lose-reply')
