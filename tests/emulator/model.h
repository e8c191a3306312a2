/* The interface that main.c expects of a generated model. */
#ifndef MODEL_H
#define MODEL_H

void model_init(void);
void model_invoke(void);

#endif
